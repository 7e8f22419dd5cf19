// An HTTP service of the test's own on loopback, that misbehaves on command and remembers every byte it was sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::test {

struct OriginRequest {
    std::string head;  ///< as it came, with its empty line
    std::string method;
    std::string target;
    std::string body;
    std::size_t connection = 0;  ///< the how manieth, from 0
    std::size_t number = 0;      ///< of that connection, from 0

    /// The first field of that name, whatever its case.
    std::optional<std::string> field(std::string_view name) const;
    std::size_t field_count(std::string_view name) const;
};

/// What the origin does with a request, step by step.
class OriginAnswer {
public:
    struct Step {
        enum class Kind {
            send,     // these bytes
            forever,  // these bytes again and again, as long as the other side takes them
            hold,     // nothing, until the origin is told to go on
            close,
            reset,  // a close that the other side sees as an error
        };
        Kind kind;
        std::string bytes;
    };

    static OriginAnswer status(unsigned status, const std::string& body = {}, const std::string& fields = {});
    static OriginAnswer ok(const std::string& body) { return status(200, body); }
    static OriginAnswer bytes(std::string bytes) { return OriginAnswer{}.then({Step::Kind::send, std::move(bytes)}); }
    static OriginAnswer reset() { return OriginAnswer{}.then({Step::Kind::reset, {}}); }
    static OriginAnswer nothing() { return OriginAnswer{}.and_hold(); }

    OriginAnswer&& and_hold() && { return std::move(*this).then({Step::Kind::hold, {}}); }
    OriginAnswer&& and_close() && { return std::move(*this).then({Step::Kind::close, {}}); }
    OriginAnswer&& and_reset() && { return std::move(*this).then({Step::Kind::reset, {}}); }
    OriginAnswer&& and_send(std::string bytes) && { return std::move(*this).then({Step::Kind::send, std::move(bytes)}); }
    OriginAnswer&& and_forever(std::string bytes) && {
        return std::move(*this).then({Step::Kind::forever, std::move(bytes)});
    }

    const std::vector<Step>& steps() const noexcept { return steps_; }

private:
    OriginAnswer&& then(Step step) {
        steps_.push_back(std::move(step));
        return std::move(*this);
    }
    std::vector<Step> steps_;
};

class Origin {
public:
    /// Called on the origin's thread.
    using Behaviour = std::function<OriginAnswer(const OriginRequest&)>;

    /// Listens on a free port of 127.0.0.1.
    explicit Origin(Behaviour behaviour);
    /// Obeys the word behind the last `/` of the target's path, see `commanded`.
    Origin() : Origin{commanded} {}
    ~Origin();
    Origin(const Origin&) = delete;
    Origin& operator=(const Origin&) = delete;

    /// `ok` (and any word that is none), `500` … `599`, `reset`, `hang`, `slow-head`, `slow-body`, `cut-off-head`,
    /// `cut-off-body`, `cut-off-chunk`, `garbage`, `wrong-length`, `two-lengths`, `length-and-chunked`, `bad-chunk`,
    /// `huge-head`, `endless-head`, `endless-body`, `interim`, `interim-forever`, `until-close`, `close-after`,
    /// `close-without-word`.
    static OriginAnswer commanded(const OriginRequest& request);

    std::uint16_t port() const noexcept;
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }

    void behave(Behaviour behaviour);
    /// From now on connections are refused, and those that are open are reset.
    void go_away();
    /// And taken again, on the same port.
    void come_back();
    /// Connections are taken and nothing is read from them.
    void never_read();
    /// What is held goes on, now and later.
    void release();
    /// Closes all connections, those with a request under way after its answer.
    void close_idle();

    std::size_t request_count() const;
    /// Of how many requests all steps have been done.
    std::size_t finished_count() const;
    std::size_t connection_count() const;
    std::size_t open_count() const;
    std::vector<OriginRequest> requests() const;
    /// Everything that came, by connection.
    std::vector<std::string> received() const;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::test
