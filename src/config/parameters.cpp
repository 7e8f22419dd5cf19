#include "config/parameters.hpp"

#include "config/literal.hpp"
#include "config/prefixed_names.hpp"
#include "config/section.hpp"
#include "config/suggestion.hpp"
#include "endpoints/array_items.hpp"
#include "json/decimal.hpp"

#include <algorithm>
#include <map>

namespace sluice::config {
namespace {

/// What others call the types.
std::string meant_type(const Node& node) {
    static const std::map<std::string_view, std::string_view> types{
        {"int", "integer"},    {"bigint", "integer"}, {"int4", "integer"}, {"int8", "integer"}, {"text", "string"},
        {"varchar", "string"}, {"uuid", "string"},    {"date", "string"},  {"float", "number"}, {"double", "number"},
        {"decimal", "number"}, {"numeric", "number"}, {"bool", "boolean"}, {"list", "array"}};
    if (!node.is(Node::Kind::scalar)) return {};
    const auto found = types.find(node.text);
    return found == types.end() ? suggestion(node.text, {"string", "integer", "number", "boolean", "array"})
                                : ", did you mean '" + std::string{found->second} + "'?";
}

// Reads one declaration: `id: integer` or `id: { type: integer, minimum: 1 }`.
class DeclarationReader {
public:
    DeclarationReader(const Member& member, bool in_path, Mistakes& mistakes)
        : node_{member.value}, section_{empty_unless_mapping(), "parameter '" + member.name + "'", mistakes} {
        parameter_.name = member.name;
        parameter_.location = member.location;
        parameter_.in_path = in_path;
        parameter_.in_header = !in_path && member.name.starts_with(ParameterSettings::header_prefix);
        parameter_.required = in_path;
    }

    ParameterSettings run() {
        if (node_.broken) return parameter_;
        if (node_.is(Node::Kind::scalar)) {
            read_type(node_);
            if (parameter_.type == ParameterType::array) mistake("an array needs 'items', the type of its values");
            return parameter_;
        }
        if (!node_.is(Node::Kind::mapping)) {
            section_.fail(node_, name() + " must be a type or a mapping, not " + describe(node_));
            return parameter_;
        }
        if (const auto* type = section_.find("type")) {
            read_type(*type);
        } else {
            type_is_known_ = !section_.has("type");
        }
        read_items();
        read_style();
        read_bounds();
        read_lengths();
        read_pattern();
        read_enumeration();
        read_required();
        read_default();
        if (items_section_) items_section_->finish();
        section_.finish(parameter_.location);
        return parameter_;
    }

private:
    const Node& empty_unless_mapping() const {
        static const Node empty = [] {
            Node node;
            node.kind = Node::Kind::mapping;
            return node;
        }();
        return node_.is(Node::Kind::mapping) ? node_ : empty;
    }

    std::string name() const { return "parameter '" + parameter_.name + "'"; }
    bool is_array() const { return parameter_.type == ParameterType::array; }
    // What the words about values speak of: an array's items, else the parameter itself.
    ParameterType value_type() const { return is_array() ? parameter_.items : parameter_.type; }
    bool numeric() const { return value_type() == ParameterType::integer || value_type() == ParameterType::number; }
    Section& values() { return is_array() && items_section_ ? *items_section_ : section_; }

    // The node of a word about values, if it is there and `fits` them; an array's words stand under `items`.
    const Node* find_word(std::string_view word, bool fits) {
        if (is_array()) {
            if (const auto* node = section_.find(word)) allowed(word, *node, false);
            if (!items_section_) return nullptr;
        }
        const auto* node = values().find(word);
        return node && allowed(word, *node, fits) ? node : nullptr;
    }

    void read_type(const Node& node) {
        if (auto type = node.is(Node::Kind::scalar) ? parameter_type(node.text) : std::nullopt) {
            parameter_.type = *type;
        } else {
            type_is_known_ = false;
            section_.fail(node, "a parameter's type is 'string', 'integer', 'number', 'boolean' or 'array', not " +
                                    describe(node) + meant_type(node));
        }
    }

    // `items: integer` or `items: { type: integer, minimum: 1 }`.
    void read_items() {
        const auto* node = section_.find("items");
        if (parameter_.type == ParameterType::array) {
            section_.require("items", "an array needs 'items', the type of its values");
        }
        if (!node) return;
        if (!allowed("items", *node, parameter_.type == ParameterType::array)) return;
        const Node* word = node;
        if (node->is(Node::Kind::mapping)) {
            items_section_.emplace(*node, "'items'", section_.mistakes());
            items_section_->require("type", "'items' needs 'type'");
            word = items_section_->find("type");
        }
        if (!word) return;
        const auto type = word->is(Node::Kind::scalar) ? parameter_type(word->text) : std::nullopt;
        if (type && *type != ParameterType::array) {
            parameter_.items = *type;
        } else {
            section_.fail(*word, "'items' must be 'string', 'integer', 'number' or 'boolean', not " + describe(*word));
        }
    }

    // How a request writes an array, and how many items it may have.
    void read_style() {
        const bool fits = parameter_.type == ParameterType::array;
        for (const auto* word : {"style", "minItems", "maxItems"}) {
            const auto* node = section_.find(word);
            if (node && !allowed(word, *node, fits)) return;
        }
        const auto style = section_.choice<ArrayStyle>(
            "style", {{"repeated", ArrayStyle::repeated}, {"csv", ArrayStyle::csv}, {"json", ArrayStyle::json}});
        assign(parameter_.style, style);
        if (style == ArrayStyle::repeated && (parameter_.in_path || parameter_.in_header)) {
            section_.fail(*section_.find("style"), parameter_.in_path
                                                       ? "'style: repeated' is for the query: a path has each parameter once"
                                                       : "'style: repeated' is for the query: repeated fields are one list");
        }
        if (section_.has("minItems")) parameter_.min_items = section_.count("minItems", 0);
        if (section_.has("maxItems")) parameter_.max_items = section_.count("maxItems", 0);
        if (parameter_.min_items && parameter_.max_items && *parameter_.min_items > *parameter_.max_items)
            section_.fail(*section_.find("maxItems"), "'maxItems' is less than 'minItems'");
    }

    void read_bounds() {
        const auto read = [this](std::string_view key, std::optional<std::string>& target) {
            const auto* node = find_word(key, numeric());
            if (!node) return;
            if (has_type(*node, value_type())) {
                target = node->text;
            } else {
                section_.fail(
                    *node, quoted(key) + " must be " + std::string{with_article(value_type())} + ", not " + describe(*node));
            }
        };
        read("minimum", parameter_.minimum);
        read("maximum", parameter_.maximum);
        if (parameter_.minimum && parameter_.maximum &&
            std::is_gt(json::compare_numbers(*parameter_.minimum, *parameter_.maximum))) {
            section_.fail(*values().find("maximum"), "'maximum' is less than 'minimum'");
        }
    }

    void read_lengths() {
        const auto read = [this](std::string_view key, std::optional<std::size_t>& target) {
            if (find_word(key, value_type() == ParameterType::string)) target = values().count(key, 0);
        };
        read("minLength", parameter_.min_length);
        read("maxLength", parameter_.max_length);
        if (parameter_.min_length && parameter_.max_length && *parameter_.min_length > *parameter_.max_length) {
            section_.fail(*values().find("maxLength"), "'maxLength' is less than 'minLength'");
        }
    }

    void read_pattern() {
        const bool is_string = value_type() == ParameterType::string;
        if (const auto* node = find_word("pattern", is_string)) {
            auto text = values().text("pattern");
            if (text && !is_pattern(*text)) {
                section_.fail(*node, "'pattern' is no regular expression (RE2): " + describe(*node));
            } else {
                parameter_.pattern = std::move(text);
            }
        }
        if (const auto* node = find_word("format", is_string)) {
            auto text = values().text("format");
            if (text && !is_known_format(*text)) {
                section_.fail(*node, "'format' must be 'date', 'date-time', 'uuid' or 'email', not " + describe(*node));
            } else {
                parameter_.format = std::move(text);
            }
        }
    }

    void read_enumeration() {
        const auto* node = find_word("enum", numeric() || value_type() == ParameterType::string);
        if (!node) return;
        if (node->is(Node::Kind::sequence) && node->items.empty())
            return section_.fail(*node, "'enum' is empty: list the values that are allowed");
        for (const auto* item : values().list("enum")) {
            auto& choices = parameter_.enumeration;
            if (!has_type(*item, value_type())) {
                fail_type(*item, "the enum value", value_type());
            } else if (std::find(choices.begin(), choices.end(), item->text) != choices.end()) {
                section_.fail(*item, "the enum has " + describe(*item) + " twice");
            } else {
                choices.push_back(item->text);
            }
        }
    }

    void read_required() {
        const auto* node = section_.find("required");
        if (!node) return;
        if (parameter_.in_path) return section_.fail(*node, "a path parameter is always required: leave 'required' out");
        assign(parameter_.required, section_.flag("required"));
    }

    void read_default() {
        const auto* node = section_.find("default");
        if (!node || !type_is_known_) return;
        if (parameter_.in_path) return section_.fail(*node, "a path parameter is always there: it has no default");
        if (parameter_.required) section_.fail(*node, "a required parameter has no use for a default");
        auto value = default_text(*node);
        if (!value) return;
        if (const auto wrong = complaint(parameter_, *value)) return section_.fail(*node, "the default " + *wrong);
        parameter_.default_value = std::move(*value);
    }

    // An array's default may be a list; it is kept in the form in which a query string has it.
    std::optional<std::string> default_text(const Node& node) {
        const bool csv = parameter_.style == ArrayStyle::csv;
        if (!is_array() || !node.is(Node::Kind::sequence)) {
            const bool number_list = is_array() && node.is(Node::Kind::scalar);
            if (is_array() && parameter_.style == ArrayStyle::repeated) {
                section_.fail(node, "the default must be a list, not " + describe(node));
                return std::nullopt;
            }
            if (number_list || has_type(node, parameter_.type)) return node.text;
            fail_type(node, "the default", parameter_.type);
            return std::nullopt;
        }
        endpoints::ArrayItems items;
        std::string joined;
        for (const auto& item : node.items) {
            if (item.broken) return std::nullopt;
            if (!has_type(item, parameter_.items) || (csv && item.text.find(',') != std::string::npos)) {
                section_.fail(item, "the default must hold values of type " + std::string{type_word(parameter_.items)} +
                                        (csv ? " without commas, not " : ", not ") + describe(item));
                return std::nullopt;
            }
            joined += (joined.empty() ? "" : ",") + item.text;
            items.push_back(item.text);
        }
        return csv ? joined : endpoints::write_items(items, parameter_.items);
    }

    void fail_type(const Node& node, const std::string& what, ParameterType type) {
        const bool unquoted = type == ParameterType::string && node.is(Node::Kind::scalar);
        section_.fail(node, what + " must be " + std::string{with_article(type)} + ", not " + describe(node) +
                                (unquoted ? ": put it in quotes" : ""));
    }

    bool allowed(std::string_view word, const Node& node, bool fits) {
        if (!type_is_known_) return false;  // reported already; who knows what fits
        if (!fits) section_.fail(node, quoted(word) + " does not apply to " + std::string{with_article(parameter_.type)});
        return fits;
    }

    static std::string quoted(std::string_view word) { return "'" + std::string{word} + "'"; }
    void mistake(std::string message) { section_.mistakes().add(parameter_.location, std::move(message)); }

    const Node& node_;
    Section section_;
    std::optional<Section> items_section_;  // `items`, where it is a mapping
    ParameterSettings parameter_;
    bool type_is_known_ = true;
};

}  // namespace

std::vector<ParameterSettings> read_parameters(const Node* params, const RouteKey& key, const SourceLocation& route,
                                               Mistakes& mistakes) {
    std::vector<ParameterSettings> in_path;
    std::vector<ParameterSettings> in_query;
    for (const auto& name : key.names) {
        ParameterSettings parameter;
        parameter.name = name;
        parameter.location = route;
        parameter.in_path = parameter.required = true;
        in_path.push_back(std::move(parameter));
    }
    if (params) {
        const Section section{*params, "'params'", mistakes};
        for (const auto& member : params->members) {
            const auto place = std::find(key.names.begin(), key.names.end(), member.name);
            if (place != key.names.end()) {
                in_path[static_cast<std::size_t>(place - key.names.begin())] =
                    DeclarationReader{member, true, mistakes}.run();
                continue;
            }
            const bool in_header = member.name.starts_with(ParameterSettings::header_prefix);
            if (in_header) {
                if (const auto wrong = complaint_about_field(member.name); !wrong.empty())
                    mistakes.add(member.location, wrong);
            } else if (is_reserved(member.name)) {
                mistakes.add(member.location, reserved_message("the parameter name '" + member.name + "'", member.name));
            } else if (!is_parameter_name(member.name)) {
                mistakes.add(member.location,
                             "a parameter's name has letters, digits and '_', unlike '" + member.name + "'");
            }
            in_query.push_back(DeclarationReader{member, false, mistakes}.run());
        }
    }
    in_path.insert(in_path.end(), std::make_move_iterator(in_query.begin()), std::make_move_iterator(in_query.end()));
    return in_path;
}

}  // namespace sluice::config
