#include "config/address.hpp"
#include "config/cors_section.hpp"
#include "config/header_fields.hpp"
#include "config/section.hpp"
#include "config/sections.hpp"

namespace sluice::config {
namespace {

using namespace std::chrono_literals;

/// Less does not hold an answer at all.
constexpr std::size_t least_max_answer = 1024;

void read_limits(const Node& node, ServerSettings::Limits& limits, Mistakes& mistakes) {
    Section section{node, "'limits'", mistakes};
    assign(limits.body, section.size("body", 0));
    assign(limits.header, section.size("header", 256));
    assign(limits.target, section.size("target", 16));
    assign(limits.connections, section.count("connections", 1));
    section.finish();
}

void read_timeouts(const Node& node, ServerSettings::Timeouts& timeouts, Mistakes& mistakes) {
    Section section{node, "'timeouts'", mistakes};
    assign(timeouts.header, section.duration("header", 1ms));
    assign(timeouts.body, section.duration("body", 1ms));
    assign(timeouts.request, section.duration("request", 1ms));
    assign(timeouts.idle, section.duration("idle", 1ms));
    assign(timeouts.grace, section.duration("grace", 0ms));
    assign(timeouts.drain, section.duration("drain", 0ms));
    section.finish();
}

// `compression: off`, or `compression: { from: 1KiB }`.
void read_compression(Section& section, std::optional<std::size_t>& from) {
    const auto* node = section.find("compression");
    if (!node) return;
    if (node->is(Node::Kind::scalar)) {
        if (section.choice<bool>("compression", {{"off", false}})) from.reset();
        return;
    }
    Section inner{*node, "'compression'", section.mistakes()};
    assign(from, inner.size("from", 1));
    inner.finish();
}

void read_address(Section& section, std::string_view key, std::string& target, bool may_be_empty) {
    const auto text = section.text(key);
    if (!text) return;
    if (is_host_port(*text) || (may_be_empty && text->empty())) {
        target = *text;
    } else {
        const auto& node = *section.find(key);
        section.fail(node, "'" + std::string{key} + "' must be host:port, such as 127.0.0.1:8080 or [::1]:8080, not " +
                               describe(node));
    }
}

}  // namespace

ServerSettings read_server(const Node& node, Mistakes& mistakes) {
    ServerSettings server;
    Section section{node, "'server'", mistakes};
    read_address(section, "listen", server.listen, false);
    read_address(section, "admin", server.admin, true);
    assign(server.admin_token, section.text("admin_token"));
    assign(server.threads, section.count("threads", 0, 1024));
    for (const auto* item : section.list("trusted_proxies")) {
        if (auto block = parse_cidr(item->text)) {
            server.trusted_proxies.push_back(std::move(*block));
        } else {
            section.fail(*item,
                         "a trusted proxy must be an address block such as 10.0.0.0/8 or fd00::/8, not " + describe(*item));
        }
    }
    assign(server.min_rate, section.size("min_rate", 0));
    if (const auto* limits = section.find("limits")) read_limits(*limits, server.limits, mistakes);
    if (const auto* timeouts = section.find("timeouts")) read_timeouts(*timeouts, server.timeouts, mistakes);
    assign(server.max_answer, section.size("max_answer", least_max_answer));
    assign(server.memory, section.size("memory", 1024 * 1024));
    read_compression(section, server.compress_from);
    if (const auto* member = section.find_member("cors")) server.cors = read_cors(*member, mistakes);
    if (const auto* headers = section.find("headers")) read_fixed_headers(*headers, server.headers, mistakes);
    section.finish();
    return server;
}

LogSettings read_log(const Node& node, Mistakes& mistakes) {
    LogSettings log;
    Section section{node, "'log'", mistakes};
    assign(log.format, section.choice<LogFormat>("format", {{"text", LogFormat::text}, {"json", LogFormat::json}}));
    assign(log.level, section.choice<LogLevel>("level", {{"debug", LogLevel::debug},
                                                         {"info", LogLevel::info},
                                                         {"warning", LogLevel::warning},
                                                         {"error", LogLevel::error}}));
    assign(log.access, section.choice<AccessLog>(
                           "access", {{"all", AccessLog::all}, {"errors", AccessLog::errors}, {"off", AccessLog::off}}));
    section.finish();
    return log;
}

}  // namespace sluice::config
