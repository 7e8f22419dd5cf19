#include "redis/scripts.hpp"

#include "redis/client.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>
#include <vector>

namespace sluice::redis {
namespace {

std::string sha1_hex(std::string_view text) {
    std::array<unsigned char, 20> digest;
    if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1) {
        throw std::runtime_error{"SHA-1 is not available"};
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const auto byte : digest) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return hex;
}

}  // namespace

Script::Script(std::string_view text) : text_{text}, sha_{sha1_hex(text)} {}

awaitable<Reply> Script::run(Client& client, std::string_view key, std::span<const std::string_view> arguments,
                             Deadline deadline) const {
    std::vector<std::string_view> command{"EVALSHA", sha_, "1", key};
    command.insert(command.end(), arguments.begin(), arguments.end());
    Reply reply = co_await client.command(command, deadline);
    if (reply.status == Status::error && reply.value.text.starts_with("NOSCRIPT")) {
        command[0] = "EVAL";
        command[1] = text_;
        reply = co_await client.command(command, deadline);
    }
    co_return reply;
}

}  // namespace sluice::redis
