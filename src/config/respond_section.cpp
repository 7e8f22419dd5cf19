#include "config/respond_section.hpp"

#include "config/json_text.hpp"
#include "config/section.hpp"

namespace sluice::config {

RespondRoute read_respond_section(const Node& node, unsigned& status, Mistakes& mistakes) {
    RespondRoute respond;
    Section section{node, "'respond'", mistakes};
    assign(status, section.count("status", 200, 599));
    const auto* body = section.find("body");
    const auto text = section.text("text");
    if (body && text) section.fail(*body, "'respond' has 'body', which is JSON, or 'text', not both");
    if (body) respond.body = json_text(*body, mistakes);
    if (text) {
        respond.body = *text;
        respond.content_type = "text/plain; charset=utf-8";
    }
    section.finish();
    return respond;
}

}  // namespace sluice::config
