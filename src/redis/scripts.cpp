#include "redis/scripts.hpp"

#include "redis/client.hpp"
#include "runtime/hex.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace sluice::redis {

namespace {

template <std::size_t Size>
std::string digest_hex(std::string_view text, const EVP_MD* method) {
    std::array<unsigned char, Size> digest;
    if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, method, nullptr) != 1) {
        throw std::runtime_error{"a digest is not available"};
    }
    return runtime::to_hex(digest);
}

}  // namespace

std::string sha1_hex(std::string_view text) { return digest_hex<20>(text, EVP_sha1()); }

std::string sha256_hex(std::string_view text) { return digest_hex<32>(text, EVP_sha256()); }

Script::Script(std::string_view text, bool reads) : text_{text}, sha_{sha1_hex(text)}, reads_{reads} {}

awaitable<Reply> Script::run(Client& client, ScriptCall call, Deadline deadline) const {
    auto replies = co_await run_all(client, {&call, 1}, deadline);
    co_return std::move(replies.front());
}

awaitable<std::vector<Reply>> Script::run_all(Client& client, std::span<const ScriptCall> calls, Deadline deadline) const {
    std::vector<const ScriptCall*> all;
    all.reserve(calls.size());
    for (const auto& call : calls) all.push_back(&call);
    auto replies = co_await send(client, "EVALSHA", sha_, all, deadline);
    // What Redis does not know it has not run, so running it now is no repetition.
    std::vector<std::size_t> unknown;
    for (std::size_t i = 0; i < replies.size(); ++i) {
        if (replies[i].status == Status::error && replies[i].value.text.starts_with("NOSCRIPT")) unknown.push_back(i);
    }
    if (unknown.empty()) co_return replies;
    all.clear();
    for (const auto i : unknown) all.push_back(&calls[i]);
    auto late = co_await send(client, "EVAL", text_, std::move(all), deadline);
    for (std::size_t i = 0; i < unknown.size(); ++i) replies[unknown[i]] = std::move(late[i]);
    co_return replies;
}

awaitable<std::vector<Reply>> Script::send(Client& client, std::string_view verb, std::string_view name,
                                           std::vector<const ScriptCall*> calls, Deadline deadline) const {
    std::vector<std::string> counts;
    counts.reserve(calls.size());
    for (const auto* call : calls) counts.push_back(std::to_string(call->keys.size()));
    std::vector<std::vector<std::string_view>> commands;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        auto& command = commands.emplace_back(std::vector<std::string_view>{verb, name, counts[i]});
        command.insert(command.end(), calls[i]->keys.begin(), calls[i]->keys.end());
        command.insert(command.end(), calls[i]->arguments.begin(), calls[i]->arguments.end());
    }
    const std::vector<Command> views{commands.begin(), commands.end()};
    Reply reply = co_await client.pipeline(views, deadline, reads_ ? Access::read : Access::write);
    std::vector<Reply> replies;
    if (calls.size() == 1 || reply.status != Status::ok) {
        replies.assign(calls.size(), reply);
        co_return replies;
    }
    for (auto& element : reply.value.elements) {
        const auto status = element.kind == Value::Kind::error ? Status::error : Status::ok;
        replies.push_back(Reply{status, std::move(element), true});
    }
    co_return replies;
}

}  // namespace sluice::redis
