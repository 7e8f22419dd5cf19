#include "policy/preconditions.hpp"

#include "policy/content_coding.hpp"

#include <algorithm>
#include <optional>

namespace sluice::policy {
namespace {

constexpr std::string_view if_match = "If-Match";
constexpr std::string_view if_none_match = "If-None-Match";

struct EntityTag {
    bool weak = false;
    std::string_view opaque;  // what is between the quotes
};

/// Takes one off the front (RFC 9110 section 8.8.3).
std::optional<EntityTag> take_tag(std::string_view& list) noexcept {
    EntityTag tag;
    tag.weak = list.starts_with("W/");
    if (tag.weak) list.remove_prefix(2);
    const auto end = list.find('"', 1);
    if (!list.starts_with('"') || end == list.npos) return std::nullopt;
    tag.opaque = list.substr(1, end - 1);
    list.remove_prefix(end + 1);
    const auto fits = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; };
    if (!std::all_of(tag.opaque.begin(), tag.opaque.end(), fits)) return std::nullopt;
    return tag;
}

enum class Found { yes, no, malformed };

/// Whether `is_it` says yes to a tag of the list. Empty elements count for nothing (RFC 9110 section 5.6.1.2).
template <class IsIt>
Found find_tag(std::string_view list, IsIt is_it) noexcept {
    auto found = Found::malformed;  // a list without a tag is none
    for (;;) {
        list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
        if (list.empty()) return found;
        const auto tag = take_tag(list);
        list = trimmed(list);
        if (!tag || !(list.empty() || list.starts_with(','))) return Found::malformed;
        if (is_it(*tag)) return Found::yes;
        found = Found::no;
    }
}

std::string_view without_coding(std::string_view opaque) noexcept {
    for (const auto coding : {ContentCoding::gzip, ContentCoding::brotli}) {
        const auto name = to_string(coding);
        if (!opaque.ends_with(name)) continue;
        const auto rest = opaque.substr(0, opaque.size() - name.size());
        if (rest.ends_with('-')) return rest.substr(0, rest.size() - 1);
    }
    return opaque;
}

enum class Comparison { strong, weak };  // RFC 9110 section 8.8.3.2
enum class Codings { told_apart, as_one };

bool names(std::string_view value, const CurrentState& current, Comparison comparison, Codings codings) noexcept {
    if (trimmed(value) == "*") return current.exists;
    if (!current.exists || current.etag.empty()) return false;
    const auto ours = current.etag.substr(1, current.etag.size() - 2);
    const auto is_ours = [&](const EntityTag& tag) {
        if (tag.weak && comparison == Comparison::strong) return false;
        if (codings == Codings::told_apart) return tag.opaque == ours;
        return without_coding(tag.opaque) == without_coding(ours);
    };
    return find_tag(value, is_ours) == Found::yes;
}

}  // namespace

Judgement judge_preconditions(Method method, std::span<const HeaderField> fields, const CurrentState& current) noexcept {
    const bool reads = method == Method::get || method == Method::head;
    const auto codings = reads ? Codings::told_apart : Codings::as_one;
    bool match_asked = false;
    bool match = false;
    bool none_match = true;
    for (const auto& [name, value] : fields) {
        if (equal_ignoring_case(name, if_match)) {
            match_asked = true;
            match = match || names(value, current, Comparison::strong, Codings::as_one);
        } else if (equal_ignoring_case(name, if_none_match)) {
            const bool means_nothing = reads && current.etag.empty();
            if (!means_nothing && names(value, current, Comparison::weak, codings)) none_match = false;
        }
    }
    if (match_asked && !match) return Judgement::failed;
    if (none_match) return Judgement::perform;
    return reads ? Judgement::not_modified : Judgement::failed;
}

bool is_precondition(std::string_view name) noexcept {
    return equal_ignoring_case(name, if_match) || equal_ignoring_case(name, if_none_match);
}

ConditionForm form_of_condition(std::string_view value) noexcept {
    if (trimmed(value) == "*") return ConditionForm::anything;
    const auto found = find_tag(value, [](const EntityTag&) { return false; });
    return found == Found::malformed ? ConditionForm::malformed : ConditionForm::tags;
}

}  // namespace sluice::policy
