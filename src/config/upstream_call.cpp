#include "config/upstream_call.hpp"

#include "config/header_fields.hpp"
#include "config/json_text.hpp"
#include "config/section.hpp"
#include "json/pointer.hpp"
#include "json/text_parts.hpp"
#include "sluice/request.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace sluice::config {
namespace {

/// What frames a request, or belongs to a connection, is ours (RFC 9110 section 7.6.1).
bool is_ours(std::string_view name) {
    constexpr std::array<std::string_view, 12> fields{
        "Connection", "Content-Length", "Content-Type",      "Expect",
        "Host",       "Keep-Alive",     "Proxy-Connection",  "TE",
        "Trailer",    "Upgrade",        "Transfer-Encoding", "Accept-Encoding"};
    return std::any_of(fields.begin(), fields.end(), [&](auto one) { return equal_ignoring_case(one, name); });
}

class CallReader {
public:
    CallReader(const Node& node, const ComplaintAboutName& complaint, Mistakes& mistakes)
        : section_{node, "'upstream'", mistakes}, complaint_{complaint}, mistakes_{mistakes} {
        call_.location = node.location;
        call_.service_location = node.location;
    }

    UpstreamCall run() {
        section_.require("service", "'upstream' needs 'service', a name of 'upstreams'");
        section_.require("path", "'upstream' needs 'path', e.g. /v1/things/{id}");
        if (const auto* service = section_.find("service")) call_.service_location = service->location;
        assign(call_.service, section_.text("service"));
        call_.method = section_.choice<Method>("method", {{"GET", Method::get},
                                                          {"POST", Method::post},
                                                          {"PUT", Method::put},
                                                          {"PATCH", Method::patch},
                                                          {"DELETE", Method::delete_}});
        read_path();
        read_fields("query", call_.query);
        read_fields("headers", call_.headers);
        read_body();
        read_pick();
        section_.finish();
        return std::move(call_);
    }

private:
    void check_names(const Node& node, const std::vector<std::string>& names) {
        for (const auto& name : names) {
            if (auto wrong = complaint_(name); !wrong.empty()) mistakes_.add(node.location, describe(node) + " " + wrong);
        }
    }

    FilledText filled(const Node& node) {
        try {
            check_names(node, json::parts_of_text(node.text).names);
        } catch (const std::invalid_argument& error) {
            mistakes_.add(node.location, "the text " + describe(node) + " " + error.what());
        }
        return {node.text, node.location};
    }

    void read_path() {
        const auto path = section_.text("path");
        if (!path) return;
        const auto& node = *section_.find("path");
        const bool good = path->starts_with('/') && std::all_of(path->begin(), path->end(), [](char c) {
                              return c > ' ' && c < '\x7f' && c != '#' && c != '\\' && c != '"';
                          });
        if (!good)
            return section_.fail(node, "'path' must begin with '/' and be encoded as in a URL, unlike " + describe(node));
        call_.path = filled(node);
    }

    void read_fields(std::string_view key, std::vector<UpstreamCall::Field>& fields) {
        const auto* node = section_.find(key);
        if (!node) return;
        const auto quoted = "'" + std::string{key} + "'";
        const Section whole{*node, quoted, mistakes_};
        for (const auto& [name, location, value] : node->members) {
            if (value.broken) continue;
            if (!value.is(Node::Kind::scalar)) {
                mistakes_.add(value.location, "'" + name + "' must be a text, not " + describe(value));
            } else if (key == "headers" && (!is_field_name(name) || is_ours(name))) {
                mistakes_.add(location, "'" + name + "' is no field that a route can set");
            } else if (key == "headers" && !is_field_value(value.text)) {
                mistakes_.add(value.location,
                              "the value of '" + name + "' must be one line of ASCII, without blanks around it");
            } else {
                fields.push_back({name, filled(value)});
            }
        }
    }

    void read_body() {
        const auto* member = section_.find_member("body");
        if (!member || member->value.broken) return;
        const auto text = json_text(member->value, mistakes_);
        check_names(member->value, json::parts_of_json(text).names);
        call_.body = FilledText{text, member->value.location};
    }

    void read_pick() {
        const auto pick = section_.text("pick");
        if (!pick) return;
        try {
            const json::TextPointer pointer{*pick};
            static_cast<void>(pointer);
            call_.pick = *pick;
        } catch (const std::invalid_argument& error) {
            section_.fail(*section_.find("pick"),
                          "'pick' is a JSON pointer such as /result/0: it " + std::string{error.what()});
        }
    }

    Section section_;
    const ComplaintAboutName& complaint_;
    Mistakes& mistakes_;
    UpstreamCall call_;
};

}  // namespace

UpstreamCall read_upstream_call(const Node& node, const ComplaintAboutName& complaint, Mistakes& mistakes) {
    return CallReader{node, complaint, mistakes}.run();
}

}  // namespace sluice::config
