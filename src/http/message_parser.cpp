#include "http/message_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <limits>
#include <optional>

namespace sluice::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

constexpr std::size_t max_chunk_extension = 256;  // bytes per chunk; no client we know sends any

/// Beast's parser, which only calls us back.
class Callbacks final : public beast_http::basic_parser<true> {
public:
    Callbacks(std::vector<HeaderField>& header_fields, std::size_t& size) : fields{&header_fields}, body_size{size} {
        header_limit(std::numeric_limits<std::uint32_t>::max());  // scan_head has checked it
        body_limit(boost::none);                                  // each `feed` brings its own
    }

    std::vector<HeaderField>* fields;  // null behind the head: trailers
    std::size_t& body_size;
    std::string* sink = nullptr;
    std::size_t limit = 0;

private:
    void on_request_impl(beast_http::verb, string_view, string_view, int, error_code&) override {}
    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_field_impl(beast_http::field, string_view name, string_view value, error_code&) override {
        if (fields) fields->push_back({{name.data(), name.size()}, {value.data(), value.size()}});
    }
    void on_header_impl(error_code&) override { fields = nullptr; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view body, error_code& error) override { return take(body, error); }
    void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& error) override {
        if (extensions.size() > max_chunk_extension) error = beast_http::error::bad_chunk_extension;
        if (size > limit || body_size > limit - size) error = beast_http::error::body_limit;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& error) override { return take(body, error); }
    void on_finish_impl(error_code&) override {}

    std::size_t take(string_view body, error_code& error) {
        if (body_size > limit || body.size() > limit - body_size) {
            error = beast_http::error::body_limit;
            return 0;
        }
        body_size += body.size();
        if (sink) sink->append(body.data(), body.size());
        return body.size();
    }
};

}  // namespace

/// Made anew in place for each message: Beast's parser cannot be used twice.
class MessageParser::Parser : public std::optional<Callbacks> {};

MessageParser::MessageParser() : parser_{std::make_unique<Parser>()} {}
MessageParser::~MessageParser() = default;

bool MessageParser::start(std::string_view head, std::vector<HeaderField>& fields) {
    body_size_ = 0;
    auto& parser = parser_->emplace(fields, body_size_);
    error_code error;
    const auto size = parser.put(boost::asio::buffer(head), error);
    state_ = parser.is_done() ? BodyState::complete : BodyState::incomplete;
    return !error && size == head.size() && parser.is_header_done();
}

std::size_t MessageParser::feed(std::string_view bytes, std::string* sink, std::size_t limit) {
    auto& parser = **parser_;
    parser.sink = sink;
    parser.limit = limit;
    std::size_t consumed = 0;
    while (state_ == BodyState::incomplete && consumed < bytes.size()) {
        error_code error;
        consumed += parser.put(boost::asio::buffer(bytes.substr(consumed)), error);
        if (error == beast_http::error::need_more) break;
        if (error) {
            state_ = error == beast_http::error::body_limit ? BodyState::too_large : BodyState::malformed;
        } else if (parser.is_done()) {
            state_ = BodyState::complete;
        }
    }
    return consumed;
}

}  // namespace sluice::http
