#include "config/parameters.hpp"

#include "config/decimal.hpp"
#include "config/literal.hpp"
#include "config/section.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

// Reads one declaration: `id: integer` or `id: { type: integer, minimum: 1 }`.
class DeclarationReader {
public:
    DeclarationReader(const Member& member, bool in_path, Mistakes& mistakes)
        : node_{member.value}, section_{empty_unless_mapping(), "parameter '" + member.name + "'", mistakes} {
        parameter_.name = member.name;
        parameter_.location = member.location;
        parameter_.in_path = in_path;
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
        read_bounds();
        read_lengths();
        read_pattern();
        read_enumeration();
        read_required();
        read_default();
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
    bool numeric() const { return parameter_.type == ParameterType::integer || parameter_.type == ParameterType::number; }

    void read_type(const Node& node) {
        if (auto type = node.is(Node::Kind::scalar) ? parameter_type(node.text) : std::nullopt) {
            parameter_.type = *type;
        } else {
            type_is_known_ = false;
            section_.fail(
                node, "a parameter's type is 'string', 'integer', 'number', 'boolean' or 'array', not " + describe(node));
        }
    }

    // `items: integer` or `items: { type: integer }`.
    void read_items() {
        const auto* node = section_.find("items");
        if (parameter_.type == ParameterType::array) {
            section_.require("items", "an array needs 'items', the type of its values");
        }
        if (!node) return;
        if (!allowed("items", *node, parameter_.type == ParameterType::array)) return;
        const Node* word = node;
        std::optional<Section> inner;
        if (node->is(Node::Kind::mapping)) {
            inner.emplace(*node, "'items'", section_.mistakes());
            inner->require("type", "'items' needs 'type'");
            word = inner->find("type");
            inner->finish();
        }
        if (!word) return;
        const auto type = word->is(Node::Kind::scalar) ? parameter_type(word->text) : std::nullopt;
        if (type && *type != ParameterType::array) {
            parameter_.items = *type;
        } else {
            section_.fail(*word, "'items' must be 'string', 'integer', 'number' or 'boolean', not " + describe(*word));
        }
    }

    void read_bounds() {
        const auto read = [this](std::string_view key, std::optional<std::string>& target) {
            const auto* node = section_.find(key);
            if (!node || !allowed(key, *node, numeric())) return;
            if (has_type(*node, parameter_.type)) {
                target = node->text;
            } else {
                section_.fail(*node, quoted(key) + " must be " + std::string{with_article(parameter_.type)} + ", not " +
                                         describe(*node));
            }
        };
        read("minimum", parameter_.minimum);
        read("maximum", parameter_.maximum);
        if (parameter_.minimum && parameter_.maximum && compare_decimals(*parameter_.minimum, *parameter_.maximum) > 0) {
            section_.fail(*section_.find("maximum"), "'maximum' is less than 'minimum'");
        }
    }

    void read_lengths() {
        const auto read = [this](std::string_view key, std::optional<std::size_t>& target) {
            const auto* node = section_.find(key);
            if (node && allowed(key, *node, parameter_.type == ParameterType::string)) target = section_.count(key, 0);
        };
        read("minLength", parameter_.min_length);
        read("maxLength", parameter_.max_length);
        if (parameter_.min_length && parameter_.max_length && *parameter_.min_length > *parameter_.max_length) {
            section_.fail(*section_.find("maxLength"), "'maxLength' is less than 'minLength'");
        }
    }

    void read_pattern() {
        const bool is_string = parameter_.type == ParameterType::string;
        if (const auto* node = section_.find("pattern"); node && allowed("pattern", *node, is_string)) {
            auto text = section_.text("pattern");
            if (text && !is_pattern(*text)) {
                section_.fail(*node, "'pattern' is no regular expression (ECMAScript): " + describe(*node));
            } else {
                parameter_.pattern = std::move(text);
            }
        }
        if (const auto* node = section_.find("format"); node && allowed("format", *node, is_string)) {
            auto text = section_.text("format");
            if (text && !is_known_format(*text)) {
                section_.fail(*node, "'format' must be 'date', 'date-time', 'uuid' or 'email', not " + describe(*node));
            } else {
                parameter_.format = std::move(text);
            }
        }
    }

    void read_enumeration() {
        const auto* node = section_.find("enum");
        if (!node || !allowed("enum", *node, numeric() || parameter_.type == ParameterType::string)) return;
        if (node->is(Node::Kind::sequence) && node->items.empty()) return section_.fail(*node, "'enum' is empty");
        for (const auto* item : section_.list("enum")) {
            auto& values = parameter_.enumeration;
            if (!has_type(*item, parameter_.type)) {
                fail_type(*item, "the enum value");
            } else if (std::find(values.begin(), values.end(), item->text) != values.end()) {
                section_.fail(*item, "the enum has " + describe(*item) + " twice");
            } else {
                values.push_back(item->text);
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
        if (parameter_.type != ParameterType::array || !node.is(Node::Kind::sequence)) {
            const bool number_list = parameter_.type == ParameterType::array && node.is(Node::Kind::scalar);
            if (number_list || has_type(node, parameter_.type)) return node.text;
            fail_type(node, "the default");
            return std::nullopt;
        }
        std::string joined;
        for (const auto& item : node.items) {
            if (item.broken) return std::nullopt;
            if (!has_type(item, parameter_.items) || item.text.find(',') != std::string::npos) {
                section_.fail(item, "the default must hold values of type " + std::string{type_word(parameter_.items)} +
                                        " without commas, not " + describe(item));
                return std::nullopt;
            }
            joined += (joined.empty() ? "" : ",") + item.text;
        }
        return joined;
    }

    void fail_type(const Node& node, const std::string& what) {
        const bool unquoted = parameter_.type == ParameterType::string && node.is(Node::Kind::scalar);
        section_.fail(node, what + " must be " + std::string{with_article(parameter_.type)} + ", not " + describe(node) +
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
            if (is_reserved(member.name)) {
                mistakes.add(member.location, "the parameter name '" + member.name + "' is reserved");
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
