#include "app/announcements.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace sluice::app {
namespace {

using Kind = policy::Invalidation::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 3> kind_words{
    {{Kind::tag, "tag"}, {Kind::glob, "glob"}, {Kind::all, "all"}}};

std::optional<Kind> kind_of(std::string_view word) {
    for (const auto& [kind, name] : kind_words) {
        if (name == word) return kind;
    }
    return std::nullopt;
}

std::string_view take_word(std::string_view& text) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    return word;
}

std::uint64_t number(std::string_view word) {
    std::uint64_t value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    return value;
}

}  // namespace

std::optional<Announcement> parse_announcement(std::string_view message) {
    if (message == "poll") return Announcement{true};
    if (message.find(' ') == message.npos) return std::nullopt;
    const auto word = take_word(message);
    if (word != "purge") {
        const auto kind = kind_of(word);
        if (!kind || *kind == Kind::all) return std::nullopt;
        return Announcement{false, policy::Invalidation{0, 0, *kind, std::string{message}}};
    }
    const auto kind = kind_of(take_word(message));
    const auto history = number(take_word(message));
    const auto xid = number(take_word(message));
    if (!kind) return std::nullopt;
    return Announcement{false, policy::Invalidation{0, xid, *kind, std::string{message}, true}, history};
}

std::string purge_announcement(const policy::Invalidation& purge, std::uint64_t history) {
    const auto word = std::find_if(kind_words.begin(), kind_words.end(), [&](auto& w) { return w.first == purge.kind; });
    std::string message{"purge "};
    message.append(word->second).append(" ").append(std::to_string(history));
    return message.append(" ").append(std::to_string(purge.xid)).append(" ").append(purge.name);
}

Announcements::Announcements(runtime::EventLoops& loops, const RedisSettings& settings, redis::Client& client, bool listen,
                             Events events)
    : client_{client},
      publisher_{client},
      subscriber_{loops, settings, listen ? channel() : std::string{},
                  [heard = std::move(events.heard)](std::string_view message) {
                      if (const auto said = parse_announcement(message)) heard(*said);
                  },
                  std::move(events.missed)} {}

std::string Announcements::channel() const {
    const auto stem = client_.keys().stem();
    return stem ? *stem + "changes" : std::string{};
}

void Announcements::publish(std::string_view message) {
    if (const auto to = channel(); !to.empty()) publisher_.publish(to, message);
}

void Announcements::announce(const std::vector<policy::Invalidation>& invalidations, bool coherent) {
    if (coherent) return publish("poll");
    for (const auto& invalidation : invalidations) {
        const std::string name = invalidation.kind == Kind::all ? "*" : invalidation.name;
        publish((invalidation.kind == Kind::tag ? "tag " : "glob ") + name);
    }
}

}  // namespace sluice::app
