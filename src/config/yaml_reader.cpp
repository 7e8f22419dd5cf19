#include "config/yaml_reader.hpp"

#include "config/hidden_values.hpp"
#include "config/text_places.hpp"
#include "config/yaml_outline.hpp"
#include "config/yaml_words.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

namespace sluice::config {
namespace {

constexpr std::size_t most_nodes = 200'000;  // aliases of aliases grow exponentially

// Ends the parse with a mistake that yaml-cpp does not find itself.
struct Stop {
    SourceLocation location;
    std::string message;
};

std::size_t count_nodes(const Node& node) {
    std::size_t n = 1;
    for (const auto& item : node.items) n += count_nodes(item);
    for (const auto& member : node.members) n += count_nodes(member.value);
    return n;
}

class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(Document& document, Mistakes& mistakes) : document_{document}, mistakes_{mistakes} {}

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Node node;
        node.location = at(mark);
        if (anchor) {
            late(node.location, "YAML: '&' begins the name of an anchor, and nothing follows it: put a text in quotes");
            node.broken = true;
        }
        place(std::move(node), anchor);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) throw Stop{at(mark), "the alias stands inside of its own anchor"};
        nodes_ += count_nodes(found->second);
        if (nodes_ > most_nodes) throw Stop{at(mark), "the aliases make the file too large"};
        place(found->second, 0);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
        Node node;
        node.kind = Node::Kind::scalar;
        node.location = at(mark);
        node.text = value;
        node.plain = tag == "?";
        check_closed(node);
        check_tag(node, tag);
        place(std::move(node), anchor);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override {
        open(mark, anchor, Node::Kind::sequence, style);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override {
        open(mark, anchor, Node::Kind::mapping, style);
    }
    void OnMapEnd() override { close(); }

    /// The parser counts bytes.
    SourceLocation at(YamlPlace place) const {
        const auto& lines = document_.lines;
        const auto column = place.line < lines.size() ? column_of(lines[place.line], place.byte) : 1;
        return {document_.name, static_cast<int>(place.line) + 1, column};
    }
    /// Of a file that is YAML: what is allowed there, and nobody means. Where it is none, that is the reason for these, too.
    void tell_late() {
        for (auto& [location, message] : std::exchange(late_, {})) mistakes_.add(std::move(location), std::move(message));
    }

    SourceLocation at(const YAML::Mark& mark) const { return at(place_of(mark)); }
    static YamlPlace place_of(const YAML::Mark& mark) noexcept {
        return {static_cast<std::size_t>(std::max(mark.line, 0)), static_cast<std::size_t>(std::max(mark.column, 0))};
    }

private:
    struct Open {
        Node node;
        YAML::anchor_t anchor = 0;
        bool flow = false;           // in brackets
        std::optional<Node> lonely;  // the first key that has no colon
        std::optional<Node> key;     // read, and waiting for its value
        std::vector<Node> merges;    // the values of `<<`
    };

    void open(const YAML::Mark& mark, YAML::anchor_t anchor, Node::Kind kind, YAML::EmitterStyle::value style) {
        Open open;
        open.node.kind = kind;
        open.node.location = at(mark);
        open.anchor = anchor;
        open.flow = style == YAML::EmitterStyle::Flow;
        stack_.push_back(std::move(open));
    }

    void close() {
        Open done = std::move(stack_.back());
        stack_.pop_back();
        for (const auto& source : done.merges) merge(source, done.node);
        if (done.flow && done.lonely) refuse_braces(done);
        place(std::move(done.node), done.anchor);
    }

    void place(Node node, YAML::anchor_t anchor) {
        if (++nodes_ > most_nodes) throw Stop{node.location, "the file is too large"};
        if (anchor) anchors_.insert_or_assign(anchor, node);
        if (stack_.empty()) {
            document_.root = std::move(node);
            return;
        }
        auto& parent = stack_.back();
        if (parent.node.is(Node::Kind::sequence)) {
            parent.node.items.push_back(std::move(node));
        } else if (!parent.key) {
            parent.key = std::move(node);
        } else {
            const Node key = *std::exchange(parent.key, std::nullopt);
            if (node.is(Node::Kind::null)) {
                node.location = key.location;  // yaml-cpp gives the token after it
                if (!has_colon(key) && !node.broken) return add_lonely(parent, key);
            }
            add_member(parent, key, std::move(node));
        }
    }

    bool has_colon(const Node& key) const {
        if (!key.is(Node::Kind::scalar) || !key.plain) return true;
        const auto line = static_cast<std::size_t>(key.location.line - 1);
        const auto places = places_of(document_, key);
        if (places.empty() || line >= document_.lines.size() || places.back().line != key.location.line) return true;
        const std::string_view text{document_.lines[line]};
        const auto behind = text.substr(std::min(byte_of(text, key.location.column) + key.text.size(), text.size()));
        const auto next = behind.find_first_not_of(" \t\r");
        return next != behind.npos && behind[next] == ':';
    }

    // YAML takes it for a key that has no value, which nobody means here.
    void add_lonely(Open& parent, const Node& key) {
        if (parent.flow) {
            if (!parent.lonely) parent.lonely = key;
            return;
        }
        refuse_lonely(key);
    }

    void refuse_lonely(const Node& key) {
        const auto colon = key.text.find(':');
        const auto name = quoted_key(key.text.substr(0, colon), may_be_secret(key));
        late(key.location, colon == key.text.npos ? "YAML: no ':' behind the key " + name +
                                                        ": write 'key: value', or indent a text below its key"
                                                  : "YAML: a space is missing behind the ':' of the key " + name);
    }

    /// `{id}` is such a mapping, too.
    void refuse_braces(Open& open) {
        const auto& key = *open.lonely;
        open.node.broken = true;
        if (!open.node.members.empty() || key.text.find(':') != key.text.npos) return refuse_lonely(key);
        late(open.node.location, "YAML: a text cannot begin with '{': put it in quotes" +
                                     (may_be_secret(key) ? std::string{} : ": \"{" + key.text + "}\""));
    }

    bool may_be_secret(const Node& node) const {
        return holds_secrets_at(document_.lines, static_cast<std::size_t>(std::max(node.location.line - 1, 0)));
    }

    void add_member(Open& parent, const Node& key, Node value) {
        if (!key.is(Node::Kind::scalar)) return mistakes_.add(key.location, "a key must be a text, not " + describe(key));
        if (key.plain && key.text == "<<") return parent.merges.push_back(std::move(value));
        for (const auto& member : parent.node.members) {
            if (member.name != key.text) continue;
            return mistakes_.add(key.location, "duplicate key " + quoted_key(key.text, among_secrets()) +
                                                   ", first given in line " + std::to_string(member.location.line));
        }
        parent.node.members.push_back({key.text, key.location, std::move(value)});
    }

    bool among_secrets() const {
        const auto& top = stack_.front().key;
        return stack_.size() > 1 && top && holds_secrets(top->text);
    }

    // https://yaml.org/type/merge.html: what the mapping says itself wins, then the earlier source.
    void merge(const Node& source, Node& into) {
        if (source.is(Node::Kind::sequence)) {
            for (const auto& item : source.items) merge(item, into);
        } else if (source.is(Node::Kind::mapping)) {
            for (const auto& member : source.members) {
                if (!into.find(member.name)) into.members.push_back(member);
            }
        } else {
            mistakes_.add(source.location, "'<<' takes a mapping or a list of mappings, not " + describe_kind(source));
        }
    }

    // yaml-cpp 0.7 takes the end of the file for a closing quote.
    void check_closed(const Node& scalar) const {
        if (scalar.plain) return;
        const auto line = static_cast<std::size_t>(scalar.location.line - 1);
        if (line >= document_.lines.size()) return;
        const auto byte = byte_of(document_.lines[line], scalar.location.column);
        if (is_unclosed_quote(document_.lines, {line, byte})) {
            throw Stop{scalar.location, "unclosed quote that begins at line " + std::to_string(line + 1) + ": the " +
                                            document_.lines[line][byte] + " that ends the text is missing"};
        }
    }

    // `!` is that of a text in quotes.
    void check_tag(Node& node, const std::string& tag) {
        if (tag == "?" || tag == "!" || tag.starts_with("tag:yaml.org,2002:") || tag.empty()) return;
        mistakes_.add(node.location,
                      "YAML: '!' begins the name of a type, and there is none like this: put a text in quotes");
        node.broken = true;
    }

    void late(SourceLocation location, std::string message) { late_.push_back({std::move(location), std::move(message)}); }

    Document& document_;
    Mistakes& mistakes_;
    std::vector<Open> stack_;
    std::map<YAML::anchor_t, Node> anchors_;
    std::vector<ConfigurationMistake> late_;
    std::size_t nodes_ = 0;
};

}  // namespace

namespace {

bool begins_document(std::string_view line) { return line.starts_with("---") || line.starts_with("..."); }

/// Directives stand before the document alone; nobody means one but that of the version.
std::optional<YamlMistake> strange_directive(const std::vector<std::string>& lines) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::string_view line{lines[i]};
        if (line.starts_with("%") && !line.starts_with("%YAML ")) {
            return YamlMistake{{i, 0}, "a text cannot begin with '%': put it in quotes"};
        }
        if (!line.empty() && line.front() != '#' && line.front() != '%') break;
    }
    return std::nullopt;
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    std::istringstream stream{std::string{text}};
    for (std::string line; std::getline(stream, line);) {
        if (line.ends_with('\r')) line.pop_back();
        lines.push_back(std::move(line));
    }
    return lines;
}

/// What stands behind the first document.
void refuse_second(const Document& document, SourceLocation begin, Mistakes& mistakes) {
    for (auto i = static_cast<std::size_t>(std::max(begin.line, 1)); i-- > 0 && i < document.lines.size();) {
        if (!begins_document(document.lines[i])) continue;
        begin.line = static_cast<int>(i) + 1;
        begin.column = 1;
        return mistakes.add(begin, "YAML: a second document begins at '" + document.lines[i].substr(0, 3) +
                                       "', and a file holds one: take the line out, or 'include' another file");
    }
    mistakes.add(begin,
                 "YAML: this does not go on with what stands above: a file is one mapping, whose keys begin in one column");
}

}  // namespace

std::optional<Document> read_yaml(std::string_view text, const std::string& name, Mistakes& mistakes) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    Document document;
    document.name = name;
    document.lines = lines_of(text);

    TreeBuilder builder{document, mistakes};
    if (const auto wrong = wrong_encoding(text); !wrong.message.empty()) {
        const auto before = text.substr(0, wrong.byte);
        const auto line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
        const auto begin = before.rfind('\n');
        mistakes.add(builder.at({line, wrong.byte - (begin == before.npos ? 0 : begin + 1)}), wrong.message);
        return std::nullopt;
    }
    if (const auto wrong = strange_directive(document.lines)) {
        mistakes.add(builder.at(wrong->place), "YAML: " + wrong->message);
        return std::nullopt;
    }
    try {
        std::istringstream source{std::string{text}};
        YAML::Parser parser{source};
        if (!parser.HandleNextDocument(builder)) document.root.kind = Node::Kind::mapping;
        builder.tell_late();
        if (document.root.is(Node::Kind::null)) document.root.kind = Node::Kind::mapping;
        if (document.root.location.line == 0) document.root.location = {name, 1, 1};
        Document second;
        second.name = name;
        second.lines = document.lines;
        Mistakes unheard;
        TreeBuilder ignored{second, unheard};
        if (parser.HandleNextDocument(ignored)) refuse_second(document, second.root.location, mistakes);
        return document;
    } catch (const YAML::Exception& error) {
        const auto wrong = explain_yaml(document.lines, TreeBuilder::place_of(error.mark), error.msg);
        mistakes.add(builder.at(wrong.place), "YAML: " + wrong.message);
    } catch (const Stop& stop) {
        mistakes.add(stop.location, "YAML: " + stop.message);
    }
    return std::nullopt;
}

}  // namespace sluice::config
