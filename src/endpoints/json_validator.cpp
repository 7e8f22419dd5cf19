#include "endpoints/json_validator.hpp"

#include "endpoints/decimal.hpp"
#include "endpoints/pattern.hpp"

#define VALIJSON_USE_EXCEPTIONS 1  // else it ends the process at a schema it does not like
// valijson 1.0 is not written for our warnings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <valijson/constraints/concrete_constraints.hpp>
#include <valijson/internal/basic_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#pragma GCC diagnostic pop

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <set>
#include <type_traits>

namespace sluice::endpoints {
namespace {

namespace adapters = valijson::adapters;
using Context = std::vector<std::string>;  // valijson's path: `<root>`, then `[name]` or `[index]` for each step

Json::json_pointer pointer_to(const Context& context) {
    Json::json_pointer pointer;
    for (std::size_t i = 1; i < context.size(); ++i) pointer.push_back(context[i].substr(1, context[i].size() - 2));
    return pointer;
}

// valijson's view of a document: its interfaces and naming.

class Adapter;

template <class Element>  // an item, or a member with its name
class Iterator : public Json::const_iterator {
public:
    // Implicit: moving one gives the base.
    Iterator(Json::const_iterator at, Findings* findings = nullptr) : Json::const_iterator{at}, findings_{findings} {}
    Element operator*() const {
        const auto& json = Json::const_iterator::operator*();
        if constexpr (std::is_same_v<Element, Adapter>)
            return Element{json, findings_};
        else
            return Element{key(), Adapter{json, findings_}};
    }
    adapters::DerefProxy<Element> operator->() const { return adapters::DerefProxy<Element>{**this}; }
    bool operator==(const Iterator& other) const {
        const Json::const_iterator& here = *this;
        const Json::const_iterator& there = other;
        return here == there;
    }
    void advance(std::ptrdiff_t steps) { *this += steps; }

private:
    Findings* findings_;
};

template <class Element>
class Children {
public:
    using const_iterator = Iterator<Element>;
    Children() = default;
    Children(const Json& parent, Findings* findings) : parent_{&parent}, findings_{findings} {}
    const_iterator begin() const { return {parent_->begin(), findings_}; }
    const_iterator end() const { return {parent_->end(), findings_}; }
    const_iterator find(const std::string& name) const { return {parent_->find(name), findings_}; }
    std::size_t size() const { return parent_->size(); }

private:
    static const Json& none() {
        static const Json nothing;
        return nothing;
    }
    const Json* parent_ = &none();
    Findings* findings_ = nullptr;
};

class Frozen final : public adapters::FrozenValue {
public:
    explicit Frozen(Json value) : value_(std::move(value)) {}  // braces would make a list
    FrozenValue* clone() const override { return new Frozen{value_}; }
    bool equalTo(const adapters::Adapter& other, bool strict) const override;

private:
    Json value_;
};

using Array = Children<Adapter>;
using Member = std::pair<std::string, Adapter>;
using Object = Children<Member>;

class Value {
public:
    Value(const Json& json, Findings* findings) : json_{&json}, findings_{findings} {}
    const Json& json() const { return *json_; }
    Findings* findings() const { return findings_; }

    adapters::FrozenValue* freeze() const { return new Frozen{*json_}; }
    std::optional<Array> getArrayOptional() const {
        if (isArray()) return Array{*json_, findings_};
        return {};
    }
    std::optional<Object> getObjectOptional() const;
    bool getArraySize(std::size_t& result) const { return give(isArray(), json_->size(), result); }
    bool getObjectSize(std::size_t& result) const { return give(isObject(), json_->size(), result); }
    bool getBool(bool& result) const { return isBool() && give(true, json_->get<bool>(), result); }
    bool getString(std::string& result) const { return isString() && give(true, json_->get<std::string>(), result); }
    bool getInteger(std::int64_t& result) const {
        const auto text = isNumber() ? number_text(*json_) : std::string_view{};
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
        return error == std::errc{} && end == text.data() + text.size();
    }
    bool getDouble(double& /*result*/) const { return false; }  // what valijson would compare by it, our rules do
    static bool hasStrictTypes() { return true; }
    bool isArray() const { return json_->is_array(); }
    bool isBool() const { return json_->is_boolean(); }
    bool isDouble() const { return isNumber(); }
    bool isInteger() const { return isNumber() && has_integer_value(number_text(*json_)); }
    bool isNull() const { return json_->is_null(); }
    bool isNumber() const { return is_number(*json_); }
    bool isObject() const { return json_->is_object(); }
    bool isString() const { return json_->is_string(); }

private:
    template <class T>
    static bool give(bool there, const T& value, T& result) {
        if (there) result = value;
        return there;
    }

    const Json* json_;
    Findings* findings_;
};

class Adapter final : public adapters::BasicAdapter<Adapter, Array, Member, Object, Value> {
public:
    Adapter(const Json& json, Findings* findings) : BasicAdapter{Value{json, findings}}, value_{json, findings} {}
    explicit Adapter(const Json& json) : Adapter{json, nullptr} {}
    const Value& value() const { return value_; }
    bool equalTo(const adapters::Adapter& other, bool strict) const override {
        const auto* exact = dynamic_cast<const Adapter*>(&other);
        return exact ? value_.json() == exact->value_.json() : BasicAdapter::equalTo(other, strict);
    }

private:
    Value value_;
};

std::optional<Object> Value::getObjectOptional() const {
    if (isObject()) return Object{*json_, findings_};
    return {};
}

bool Frozen::equalTo(const adapters::Adapter& other, bool strict) const { return Adapter{value_}.equalTo(other, strict); }

// Rules of ours.

using Judge = std::function<bool(const adapters::Adapter& target, const Context& context, bool report)>;

class Rule final : public valijson::constraints::PolyConstraint {
public:
    explicit Rule(Judge judge) : judge_{std::move(judge)} {}
    bool validate(const adapters::Adapter& target, const Context& context,
                  valijson::ValidationResults* results) const override {
        return judge_(target, context, results != nullptr);
    }

private:
    Constraint* cloneInto(void* place) const override { return new (place) Rule{*this}; }
    std::size_t sizeOf() const override { return sizeof(Rule); }

    Judge judge_;
};

class Builder final : public valijson::ConstraintBuilder {
public:
    explicit Builder(std::function<Judge(const Json&)> judge) : judge_{std::move(judge)} {}
    valijson::constraints::Constraint* make(const adapters::Adapter& word) const override {
        return new Rule{judge_(dynamic_cast<const Adapter&>(word).value().json())};
    }

private:
    std::function<Judge(const Json&)> judge_;
};

/// For numbers alone; what is none fits.
template <class Fits>
std::function<Judge(const Json&)> number_rule(Fits fits) {
    return [fits](const Json& word) -> Judge {
        return [fits, bound = std::string{number_text(word)}](const adapters::Adapter& target, const Context&, bool) {
            const auto* exact = dynamic_cast<const Adapter*>(&target);
            return !exact || !exact->value().isNumber() || fits(number_text(exact->value().json()), bound);
        };
    };
}

/// For strings, names of members among them.
template <class Fits>
Judge string_rule(Fits fits) {
    return [fits](const adapters::Adapter& target, const Context&, bool) {
        return !target.isString() || fits(target.getString());
    };
}

Judge unique_items(const Json& /*word*/) {
    return [](const adapters::Adapter& target, const Context&, bool) {
        const auto* exact = dynamic_cast<const Adapter*>(&target);
        if (!exact || !exact->value().isArray()) return true;
        const auto less = [](const Json* a, const Json* b) { return *a < *b; };
        std::set<const Json*, decltype(less)> seen{less};
        const auto& items = exact->value().json();
        return std::all_of(items.begin(), items.end(), [&](const Json& item) { return seen.insert(&item).second; });
    };
}

Judge fail(const Json& word) {
    return [message = word.get<std::string>()](const adapters::Adapter& target, const Context& context, bool report) {
        const auto* exact = dynamic_cast<const Adapter*>(&target);
        if (report && exact && exact->value().findings()) exact->value().findings()->add(pointer_to(context), message);
        return false;
    };
}

Judge count(const Json& /*word*/) {
    return [](const adapters::Adapter& target, const Context& context, bool) {
        const auto* exact = dynamic_cast<const Adapter*>(&target);  // else it is a name, which nothing is inside of
        if (exact && exact->value().findings()) exact->value().findings()->count(context.size());
        return true;
    };
}

void add_rules(valijson::SchemaParser& parser) {
    const auto add = [&](const char* word, std::function<Judge(const Json&)> judge) {
        parser.addConstraintBuilder(word, new Builder{std::move(judge)});  // the parser's from now on
    };
    using Text = std::string_view;
    add("=maximum", number_rule([](Text number, Text bound) { return compare_numbers(number, bound) <= 0; }));
    add("=minimum", number_rule([](Text number, Text bound) { return compare_numbers(number, bound) >= 0; }));
    add("=exclusiveMaximum", number_rule([](Text number, Text bound) { return compare_numbers(number, bound) < 0; }));
    add("=exclusiveMinimum", number_rule([](Text number, Text bound) { return compare_numbers(number, bound) > 0; }));
    add("=multipleOf", number_rule(is_multiple));
    add("=pattern", [](const Json& word) {
        const auto pattern = std::make_shared<const Pattern>(word.get<std::string>());
        return string_rule([pattern](Text text) { return pattern->matches(text); });
    });
    add("=format", [](const Json& word) {
        return string_rule([format = word.get<std::string>()](Text text) { return has_format(format, text); });
    });
    add("=uniqueItems", unique_items);
    add("=fail", fail);
    add("=count", count);
    add("=reporting", [](const Json& /*word*/) -> Judge {
        return [](const adapters::Adapter&, const Context&, bool report) { return report; };
    });
}

}  // namespace
}  // namespace sluice::endpoints

template <>
struct valijson::adapters::AdapterTraits<sluice::endpoints::Adapter> {
    using DocumentType = sluice::endpoints::Json;
    static std::string adapterName() { return "exact"; }
};

namespace sluice::endpoints {

struct JsonValidator::Compiled {
    valijson::Schema schema;
};

JsonValidator::JsonValidator(const PreparedSchema& schema) : compiled_{std::make_unique<Compiled>()} {
    valijson::SchemaParser parser{valijson::SchemaParser::kDraft7};
    add_rules(parser);
    parser.populateSchema(Adapter{schema.schema}, compiled_->schema);
}

JsonValidator::~JsonValidator() = default;

std::vector<Violation> JsonValidator::violations(const Json& document, std::size_t bytes) const {
    Findings findings{most_steps(bytes)};
    valijson::Validator validator{valijson::Validator::kStrongTypes};
    const Adapter target{document, &findings};
    try {
        if (validator.validate(compiled_->schema, target, nullptr)) return {};  // ends at the first violation
        findings.start_again();
        valijson::ValidationResults texts;  // valijson's own, of which each step on the way up adds one
        validator.validate(compiled_->schema, target, &texts);
    } catch (const Findings::Enough&) {
    }
    auto found = findings.take();
    if (found.empty()) found.push_back({"", "must match the schema"});
    return found;
}

}  // namespace sluice::endpoints
