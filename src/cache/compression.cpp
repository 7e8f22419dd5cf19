#include "cache/compression.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <brotli/encode.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>

namespace sluice::cache {
namespace {

constexpr std::size_t piece = 64 * 1024;
constexpr std::size_t output_step = 16 * 1024;
constexpr std::size_t most_gathered = 512 * 1024;

class Encoder {
public:
    Encoder() = default;
    virtual ~Encoder() = default;
    Encoder(const Encoder&) = delete;
    Encoder& operator=(const Encoder&) = delete;
    virtual void feed(std::string_view bytes, bool last, std::string& out) = 0;
};

class Gzip final : public Encoder {
public:
    explicit Gzip(Effort effort) {
        constexpr int gzip_format = 15 + 16;  // the largest window, and a gzip header instead of zlib's
        const int level = effort == Effort::fast ? 1 : 6;
        if (deflateInit2(&stream_, level, Z_DEFLATED, gzip_format, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
            throw std::runtime_error{"zlib cannot start"};
        }
    }
    ~Gzip() override { deflateEnd(&stream_); }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;

    void feed(std::string_view bytes, bool last, std::string& out) override {
        // zlib does not write to its input; its interface is older than const.
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        do {
            stream_.next_out = buffer_.data();
            stream_.avail_out = static_cast<uInt>(buffer_.size());
            if (deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR) throw std::runtime_error{"zlib failed"};
            out.append(reinterpret_cast<const char*>(buffer_.data()), buffer_.size() - stream_.avail_out);
        } while (stream_.avail_out == 0);
    }

private:
    z_stream stream_{};
    std::array<Bytef, output_step> buffer_{};
};

class Brotli final : public Encoder {
public:
    explicit Brotli(Effort effort) : state_{BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)} {
        if (!state_) throw std::runtime_error{"brotli cannot start"};
        BrotliEncoderSetParameter(state_.get(), BROTLI_PARAM_QUALITY, effort == Effort::fast ? 1 : 5);
        BrotliEncoderSetParameter(state_.get(), BROTLI_PARAM_MODE, BROTLI_MODE_TEXT);
    }

    void feed(std::string_view bytes, bool last, std::string& out) override {
        std::size_t left = bytes.size();
        const auto* next = reinterpret_cast<const std::uint8_t*>(bytes.data());
        // What is gathered is coded in one go, and it would gather some MiB.
        gathered_ += bytes.size();
        const bool enough = gathered_ >= most_gathered;
        if (enough) gathered_ = 0;
        const auto operation = last ? BROTLI_OPERATION_FINISH : enough ? BROTLI_OPERATION_FLUSH : BROTLI_OPERATION_PROCESS;
        do {
            std::size_t room = 0;
            if (!BrotliEncoderCompressStream(state_.get(), operation, &left, &next, &room, nullptr, nullptr)) {
                throw std::runtime_error{"brotli failed"};
            }
            std::size_t size = 0;
            const auto* made = BrotliEncoderTakeOutput(state_.get(), &size);
            out.append(reinterpret_cast<const char*>(made), size);
        } while (left > 0 || BrotliEncoderHasMoreOutput(state_.get()));
    }

private:
    struct Destroy {
        void operator()(BrotliEncoderState* state) const noexcept { BrotliEncoderDestroyInstance(state); }
    };
    std::unique_ptr<BrotliEncoderState, Destroy> state_;
    std::size_t gathered_ = 0;
};

std::unique_ptr<Encoder> encoder(policy::ContentCoding coding, Effort effort) {
    if (coding == policy::ContentCoding::gzip) return std::make_unique<Gzip>(effort);
    return std::make_unique<Brotli>(effort);
}

}  // namespace

awaitable<std::string> compress(std::string_view bytes, policy::ContentCoding coding, Effort effort) {
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto stream = encoder(coding, effort);
    std::string out;
    for (;;) {
        const auto part = bytes.substr(0, piece);
        bytes.remove_prefix(part.size());
        stream->feed(part, bytes.empty(), out);
        if (bytes.empty()) break;
        co_await boost::asio::post(executor, use_awaitable);
    }
    out.shrink_to_fit();
    co_return out;
}

}  // namespace sluice::cache
