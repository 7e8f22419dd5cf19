#include "config/yaml_reader.hpp"

#include "config/hidden_values.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

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
        place(std::move(node), anchor);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, anchor, Node::Kind::sequence);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
        open(mark, anchor, Node::Kind::mapping);
    }
    void OnMapEnd() override { close(); }

    SourceLocation at(const YAML::Mark& mark) const { return {document_.name, mark.line + 1, mark.column + 1}; }

private:
    struct Open {
        Node node;
        YAML::anchor_t anchor = 0;
        std::optional<Node> key;   // read, and waiting for its value
        std::vector<Node> merges;  // the values of `<<`
    };

    void open(const YAML::Mark& mark, YAML::anchor_t anchor, Node::Kind kind) {
        Open open;
        open.node.kind = kind;
        open.node.location = at(mark);
        open.anchor = anchor;
        stack_.push_back(std::move(open));
    }

    void close() {
        Open done = std::move(stack_.back());
        stack_.pop_back();
        for (const auto& source : done.merges) merge(source, done.node);
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
            if (node.is(Node::Kind::null)) node.location = key.location;  // yaml-cpp gives the token after it
            add_member(parent, key, std::move(node));
        }
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
        auto line = static_cast<std::size_t>(scalar.location.line - 1);
        auto column = static_cast<std::size_t>(scalar.location.column - 1);
        if (line >= document_.lines.size() || column >= document_.lines[line].size()) return;
        const char quote = document_.lines[line][column];
        if (quote != '"' && quote != '\'') return;
        for (++column; line < document_.lines.size(); ++line, column = 0) {
            const auto& text = document_.lines[line];
            for (; column < text.size(); ++column) {
                if (quote == '"' && text[column] == '\\') {
                    ++column;
                } else if (text[column] == quote) {
                    if (quote == '"' || column + 1 == text.size() || text[column + 1] != quote) return;
                    ++column;
                }
            }
        }
        throw Stop{scalar.location, "the quote is never closed"};
    }

    Document& document_;
    Mistakes& mistakes_;
    std::vector<Open> stack_;
    std::map<YAML::anchor_t, Node> anchors_;
    std::size_t nodes_ = 0;
};

}  // namespace

std::optional<Document> read_yaml(std::string_view text, const std::string& name, Mistakes& mistakes) {
    Document document;
    document.name = name;
    std::istringstream lines{std::string{text}};
    for (std::string line; std::getline(lines, line);) document.lines.push_back(line);

    TreeBuilder builder{document, mistakes};
    try {
        std::istringstream source{std::string{text}};
        YAML::Parser parser{source};
        if (!parser.HandleNextDocument(builder)) document.root.kind = Node::Kind::mapping;
        if (document.root.is(Node::Kind::null)) document.root.kind = Node::Kind::mapping;
        if (document.root.location.line == 0) document.root.location = {name, 1, 1};
        Document second;
        second.name = name;
        TreeBuilder ignored{second, mistakes};
        if (parser.HandleNextDocument(ignored)) {
            mistakes.add({name, 1, 1}, "one YAML document only: there is another after '---'");
        }
        return document;
    } catch (const YAML::Exception& error) {
        mistakes.add(builder.at(error.mark), "YAML: " + error.msg);
    } catch (const Stop& stop) {
        mistakes.add(stop.location, "YAML: " + stop.message);
    }
    return std::nullopt;
}

}  // namespace sluice::config
