#include "json/validator.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::json {
namespace {

/// Of one document.
class Evaluation {
public:
    Evaluation(const std::vector<SchemaNode>& nodes, Findings& findings) : nodes_{nodes}, findings_{findings} {}

    /// All that is wrong is told.
    void report(SchemaNumber schema, const Json& value, const JsonPlace& place) { judge<true>(schema, value, place); }

private:
    /// Without a report it ends at the first violation.
    template <bool Report>
    bool judge(SchemaNumber schema, const Json& value, const JsonPlace& place) {
        findings_.count(1);
        findings_.check_stack();
        const auto* node = &nodes_[schema];
        while (node->reference) {
            findings_.count(1);
            node = &nodes_[*node->reference];
        }
        if (node->never) return wrong<Report>(place, "is not allowed here");
        bool good = judge_assertions<Report>(*node, value, place);
        if (!good && !Report) return false;
        good = judge_alternatives<Report>(*node, value, place) && good;
        if (!good && !Report) return false;
        if (value.is_array()) return judge_items<Report>(*node, value, place) && good;
        if (value.is_object()) return judge_members<Report>(*node, value, place) && good;
        return good;
    }

    bool fits(SchemaNumber schema, const Json& value, const JsonPlace& place) { return judge<false>(schema, value, place); }

    template <bool Report>
    bool wrong(const JsonPlace& place, const std::string& message) {
        if constexpr (Report) findings_.add(place, message);
        return false;
    }

    template <bool Report>
    bool judge_assertions(const SchemaNode& node, const Json& value, const JsonPlace& place) {
        findings_.count(node.assertions.size());
        bool good = true;
        for (const auto& assertion : node.assertions) {
            if (assertion.holds(assertion, value, findings_)) continue;
            good = wrong<Report>(place, assertion.message);
            if (!Report) return false;
        }
        return good;
    }

    /// The schemas that judge the value itself, and those of which only a verdict is asked.
    template <bool Report>
    bool judge_alternatives(const SchemaNode& node, const Json& value, const JsonPlace& place) {
        bool good = true;
        const auto demand = [&](bool fulfilled) {
            good = good && fulfilled;
            return good || Report;
        };
        const auto fits_value = [&](SchemaNumber schema) { return fits(schema, value, place); };
        for (const auto schema : node.all_of) {
            if (!demand(judge<Report>(schema, value, place))) return false;
        }
        if (!node.any_of.empty() && std::none_of(node.any_of.begin(), node.any_of.end(), fits_value) &&
            !demand(wrong<Report>(place, "must fit one of the alternatives in 'anyOf'"))) {
            return false;
        }
        if (node.contained && value.is_array() && !contains(*node.contained, value, place) &&
            !demand(wrong<Report>(place, "must hold an item that fits 'contains'"))) {
            return false;
        }
        if (value.is_object()) {
            findings_.count(node.dependencies.size());
            for (const auto& [name, schema] : node.dependencies) {
                if (value.contains(name) && !demand(judge<Report>(schema, value, place))) return false;
            }
        }
        if (node.condition) {
            const auto& branch = fits_value(*node.condition) ? node.consequence : node.alternative;
            if (branch && !demand(judge<Report>(*branch, value, place))) return false;
        }
        if (node.negated && fits_value(*node.negated) && !demand(wrong<Report>(place, "must not fit 'not'"))) return false;
        if (!node.one_of.empty() && !fits_exactly_one(node.one_of, value, place) &&
            !demand(wrong<Report>(place, "must fit exactly one of the alternatives in 'oneOf'"))) {
            return false;
        }
        if (node.names && value.is_object() && !names_fit(*node.names, value, place) &&
            !demand(wrong<Report>(place, "must have only names that fit 'propertyNames'"))) {
            return false;
        }
        return good;
    }

    bool fits_exactly_one(const std::vector<SchemaNumber>& schemas, const Json& value, const JsonPlace& place) {
        std::size_t fitting = 0;
        for (const auto schema : schemas) {
            if (fits(schema, value, place) && ++fitting > 1) return false;
        }
        return fitting == 1;
    }

    bool contains(SchemaNumber schema, const Json& items, const JsonPlace& place) {
        return std::any_of(items.begin(), items.end(), [&](const Json& item) { return fits(schema, item, place); });
    }

    bool names_fit(SchemaNumber schema, const Json& object, const JsonPlace& place) {
        for (auto member = object.begin(); member != object.end(); ++member) {
            findings_.count_comparison(member.key().size());  // it is copied
            if (!fits(schema, Json(member.key()), place)) return false;
        }
        return true;
    }

    template <bool Report>
    bool judge_items(const SchemaNode& node, const Json& items, const JsonPlace& place) {
        bool good = true;
        const auto end = node.items ? items.size() : std::min(items.size(), node.listed_items.size());
        for (std::size_t i = 0; i < end; ++i) {
            const auto schema = i < node.listed_items.size() ? node.listed_items[i] : *node.items;
            good = judge<Report>(schema, items[i], {&place, nullptr, i}) && good;
            if (!good && !Report) return false;
        }
        return good;
    }

    template <bool Report>
    bool judge_members(const SchemaNode& node, const Json& object, const JsonPlace& place) {
        bool good = true;
        const auto demand = [&](SchemaNumber schema, const std::string& name, const Json& value) {
            good = judge<Report>(schema, value, {&place, &name, 0}) && good;
            return good || Report;
        };
        if (!judge_properties(node, object, demand)) return false;
        if (node.patterns.empty() && !node.other_properties) return good;

        std::vector<bool> matched(node.patterns.empty() ? 0 : object.size());
        for (const auto& [pattern, schema] : node.patterns) {
            std::size_t index = 0;
            for (auto member = object.begin(); member != object.end(); ++member, ++index) {
                findings_.count_match(member.key().size(), pattern->instructions());
                if (!pattern->matches(member.key())) continue;
                matched[index] = true;
                if (!demand(schema, member.key(), *member)) return false;
            }
        }
        if (!node.other_properties) return good;
        std::size_t index = 0;
        for (auto member = object.begin(); member != object.end(); ++member, ++index) {
            findings_.count(1);
            if ((!matched.empty() && matched[index]) || node.properties.contains(member.key())) continue;
            if (!demand(*node.other_properties, member.key(), *member)) return false;
        }
        return good;
    }

    /// Looks the fewer up among the others; both are in the order of their names.
    template <class Demand>
    bool judge_properties(const SchemaNode& node, const Json& object, const Demand& demand) {
        findings_.count(std::min(node.properties.size(), object.size()));
        if (node.properties.size() <= object.size()) {
            for (const auto& [name, schema] : node.properties) {
                const auto member = object.find(name);
                if (member != object.end() && !demand(schema, name, *member)) return false;
            }
            return true;
        }
        for (auto member = object.begin(); member != object.end(); ++member) {
            const auto property = node.properties.find(member.key());
            if (property != node.properties.end() && !demand(property->second, property->first, *member)) return false;
        }
        return true;
    }

    const std::vector<SchemaNode>& nodes_;
    Findings& findings_;
};

}  // namespace

Verdict JsonValidator::judge(const Json& document, StepBudget budget) const {
    Findings findings{budget};
    try {
        Evaluation{nodes_, findings}.report(0, document, JsonPlace{});
    } catch (const Findings::Enough&) {
        // The last violation says why.
    }
    return {findings.take(), findings.exhausted()};
}

}  // namespace sluice::json
