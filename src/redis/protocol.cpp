#include "redis/protocol.hpp"

#include <hiredis/hiredis.h>

#include <array>
#include <charconv>
#include <new>

namespace sluice::redis {
namespace {

/// Our scripts and commands answer with a few elements; a longer array means that we do not talk to Redis.
constexpr int most_elements = 1 << 20;

// The reader builds our Values itself. These are called from C, so they throw nothing: null means "out of memory".

/// Where the value being read belongs: its place in the array around it, or a new one of its own.
Value* place(const redisReadTask* task) noexcept {
    if (task->parent) return &static_cast<Value*>(task->parent->obj)->elements[static_cast<std::size_t>(task->idx)];
    return new (std::nothrow) Value;
}

/// Gives up a value that could not be filled, unless an array owns it.
void* give_up(const redisReadTask* task, Value* value) noexcept {
    if (!task->parent) delete value;
    return nullptr;
}

void* create_string(const redisReadTask* task, char* text, std::size_t size) {
    Value* value = place(task);
    if (!value) return nullptr;
    value->kind = task->type == REDIS_REPLY_ERROR ? Value::Kind::error : Value::Kind::string;
    try {
        value->text.assign(text, size);
    } catch (...) {
        return give_up(task, value);
    }
    return value;
}

void* create_array(const redisReadTask* task, int size) {
    if (size < 0 || size > most_elements) return nullptr;
    Value* value = place(task);
    if (!value) return nullptr;
    value->kind = Value::Kind::array;
    try {
        value->elements.resize(static_cast<std::size_t>(size));
    } catch (...) {
        return give_up(task, value);
    }
    return value;
}

void* create_integer(const redisReadTask* task, long long number) {
    Value* value = place(task);
    if (!value) return nullptr;
    value->kind = Value::Kind::integer;
    value->integer = number;
    return value;
}

void* create_nil(const redisReadTask* task) { return place(task); }

void free_value(void* value) { delete static_cast<Value*>(value); }

redisReplyObjectFunctions make_values{create_string, create_array, create_integer, create_nil, free_value};

void append_length(std::string& out, char mark, std::size_t length) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), length).ptr;
    out += mark;
    out.append(digits.data(), end);
    out += "\r\n";
}

}  // namespace

// Written here and not by hiredis' formatter: that one returns a buffer of its own, to be copied and freed for each command.
void append_command(std::string& out, Command command) {
    append_length(out, '*', command.size());
    for (const auto argument : command) {
        append_length(out, '$', argument.size());
        out += argument;
        out += "\r\n";
    }
}

ReplyReader::ReplyReader() : reader_{redisReaderCreateWithFunctions(&make_values)} {
    if (!reader_) throw std::bad_alloc{};
}

void ReplyReader::Free::operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }

void ReplyReader::feed(std::string_view bytes) { redisReaderFeed(reader_.get(), bytes.data(), bytes.size()); }

std::optional<Value> ReplyReader::next() {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
        throw ProtocolError{std::string{"not understood: "} + reader_->errstr};
    }
    if (!reply) return std::nullopt;
    const std::unique_ptr<Value> value{static_cast<Value*>(reply)};
    return std::move(*value);
}

}  // namespace sluice::redis
