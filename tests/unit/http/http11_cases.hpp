// Requests that RFC 9112 and RFC 9110 speak of, right ones and wrong ones, and what may be answered.
#pragma once

#include <string>
#include <vector>

namespace sluice::test {

struct Http11Case {
    std::string section;   ///< of which RFC
    std::string request;   ///< as it is sent; `localhost:8080` stands for the server
    std::string expected;  ///< alternatives: statuses, `2xx`, `close`; `2xx + close`: both
};

inline const std::vector<Http11Case>& http11_cases() {
    static const std::string host = "Host: localhost:8080\r\n";
    static const auto get = [](const std::string& fields) { return "GET / HTTP/1.1\r\n" + host + fields + "\r\n"; };
    static const auto post = [](const std::string& fields, const std::string& body) {
        return "POST / HTTP/1.1\r\n" + host + fields + "\r\n" + body;
    };
    static const std::string chunked = "Transfer-Encoding: chunked\r\n";
    static const std::vector<Http11Case> cases{
        // RFC 9112 section 2.2: what ends lines
        {"9112 2.2 an empty line before the request", "\r\n" + get(""), "2xx"},
        {"9112 2.2 a bare CR in a value", get("X: a\rb\r\n"), "400"},
        {"9112 2.2 a bare CR in the request line", "GET /\r HTTP/1.1\r\n" + host + "\r\n", "400"},
        {"9112 2.2 white space before the first field", "GET / HTTP/1.1\r\n X: a\r\n" + host + "\r\n", "400"},
        // 2.3, 2.5: the version
        {"9112 2.3 a version in lower case", "GET / http/1.1\r\n" + host + "\r\n", "400"},
        {"9112 2.3 two digits", "GET / HTTP/1.10\r\n" + host + "\r\n", "400/505"},
        {"9112 2.3 no version", "GET /\r\n" + host + "\r\n", "400/505 or close"},
        {"9110 2.5 another major version", "GET / HTTP/3.0\r\n" + host + "\r\n", "505/400"},
        {"9112 2.3 HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "2xx + close"},
        // 3: the request line
        {"9112 3 two spaces", "GET  / HTTP/1.1\r\n" + host + "\r\n", "400"},
        {"9112 3 a tab", "GET\t/ HTTP/1.1\r\n" + host + "\r\n", "400"},
        {"9112 3 a space in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", "400"},
        {"9112 3 no target", "GET HTTP/1.1\r\n" + host + "\r\n", "400"},
        {"9110 9.1 a method that nobody knows", "FROB / HTTP/1.1\r\n" + host + "\r\n", "501/405"},
        {"9110 9.1 a method in lower case", "get / HTTP/1.1\r\n" + host + "\r\n", "501/405/400"},
        {"9110 5.6.2 a method that is no token", "G(T / HTTP/1.1\r\n" + host + "\r\n", "400"},
        {"9112 3 a target that is too long", "GET /" + std::string(70000, 'a') + " HTTP/1.1\r\n" + host + "\r\n", "414/431"},
        // 3.2: forms of the target, and Host
        {"9112 3.2 no Host", "GET / HTTP/1.1\r\n\r\n", "400"},
        {"9112 3.2 two Hosts", get(host), "400"},
        {"9112 3.2 a Host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
        {"9112 3.2 a Host with a path", "GET / HTTP/1.1\r\nHost: localhost/x\r\n\r\n", "400"},
        {"9112 3.2.1 no slash", "GET a HTTP/1.1\r\n" + host + "\r\n", "400"},
        {"9112 3.2.2 the absolute form", "GET http://localhost:8080/ HTTP/1.1\r\n" + host + "\r\n", "2xx"},
        {"9112 3.2.3 the authority form without CONNECT", "GET localhost:8080 HTTP/1.1\r\n" + host + "\r\n", "400"},
        {"9112 3.2.4 an asterisk without OPTIONS", "GET * HTTP/1.1\r\n" + host + "\r\n", "400"},
        {"9110 4.2.5 a fragment", "GET /#x HTTP/1.1\r\n" + host + "\r\n", "400"},
        // 5: fields
        {"9112 5 an empty value", get("X:\r\n"), "2xx"},
        {"9112 5 spaces around a value", get("X: \t a \t \r\n"), "2xx"},
        {"9112 5.1 a space before the colon", get("X : a\r\n"), "400"},
        {"9112 5.2 a folded value", get("X: a\r\n b\r\n"), "400"},
        {"9112 5 no colon", get("X\r\n"), "400"},
        {"9112 5 no name", get(": a\r\n"), "400"},
        {"9110 5.6.2 a name that is no token", get("X[1]: a\r\n"), "400"},
        {"9110 5.5 NUL in a value", get(std::string{"X: a\0b\r\n", 8}), "400"},
        {"9110 5.5 a control character in a value",
         get("X: a\x01"
             "b\r\n"),
         "400"},
        {"9110 5.5 bytes above ASCII in a value", get("X: \xE9\r\n"), "2xx/400"},
        {"9110 5.4 fields that are too large", get("X: " + std::string(70000, 'a') + "\r\n"), "431"},
        // 6: bodies
        {"9112 6.2 a body", post("Content-Length: 5\r\n", "hello"), "2xx"},
        {"9112 6.2 an empty body", post("Content-Length: 0\r\n", ""), "2xx"},
        {"9112 6.3 neither length nor coding", post("", ""), "2xx/411"},
        {"9112 6.3 two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), "400"},
        {"9112 6.3 a list of two lengths", post("Content-Length: 5, 6\r\n", "hello!"), "400"},
        {"9110 8.6 a length with a sign", post("Content-Length: +5\r\n", "hello"), "400"},
        {"9110 8.6 a negative length", post("Content-Length: -5\r\n", "hello"), "400"},
        {"9110 8.6 a length in hexadecimal", post("Content-Length: 0x5\r\n", "hello"), "400"},
        {"9110 8.6 a length that is no number", post("Content-Length: five\r\n", "hello"), "400"},
        {"9110 8.6 a length beyond all numbers", post("Content-Length: 99999999999999999999999\r\n", ""), "400/413"},
        {"9112 6.3 a length and a coding", post("Content-Length: 5\r\n" + chunked, "0\r\n\r\n"), "400"},
        {"9112 6.1 a coding that nobody knows", post("Transfer-Encoding: frob, chunked\r\n", "0\r\n\r\n"), "501/400"},
        {"9112 6.1 chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), "400/501"},
        {"9112 6.3 chunked not last", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), "400/501"},
        {"9112 6.1 chunked in HTTP/1.0", "POST / HTTP/1.0\r\n" + host + chunked + "\r\n0\r\n\r\n", "400/501 or close"},
        // 7.1: chunks
        {"9112 7.1 two chunks", post(chunked, "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), "2xx"},
        {"9112 7.1 a size in upper case with zeros", post(chunked, "00A\r\n0123456789\r\n0\r\n\r\n"), "2xx"},
        {"9112 7.1.1 an extension", post(chunked, "5;a=\"b\"\r\nhello\r\n0\r\n\r\n"), "2xx"},
        {"9112 7.1.2 a trailer", post(chunked, "5\r\nhello\r\n0\r\nX: a\r\n\r\n"), "2xx"},
        {"9112 7.1 a size that is no number", post(chunked, "x\r\nhello\r\n0\r\n\r\n"), "400"},
        {"9112 7.1 a negative size", post(chunked, "-5\r\nhello\r\n0\r\n\r\n"), "400"},
        {"9112 7.1 a size with 0x", post(chunked, "0x5\r\nhello\r\n0\r\n\r\n"), "400"},
        {"9112 7.1 no size", post(chunked, "\r\nhello\r\n0\r\n\r\n"), "400"},
        {"9112 7.1 a size beyond all numbers", post(chunked, "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"), "400/413"},
        {"9112 7.1 more than the size", post(chunked, "5\r\nhello!\r\n0\r\n\r\n"), "400"},
        {"9112 7.1 no line break behind a chunk", post(chunked, "5\r\nhello0\r\n\r\n"), "400"},
        // 8: what is not complete
        {"9112 8 a head that ends early", "GET / HTTP/1.1\r\nHost: local", "400/408 or close or timeout"},
        {"9112 8 a body that ends early", post("Content-Length: 50\r\n", "hello"), "400/408 or close or timeout"},
        // 9.6, and 9110 10.1.1
        {"9112 9.6 the last request", get("Connection: close\r\n"), "2xx + close"},
        {"9112 9.6 among other options", get("Connection: x, Close\r\n"), "2xx + close"},
        {"9110 10.1.1 an expectation that nobody knows", get("Expect: frob\r\n"), "417"},
        {"9110 7.8 an upgrade that is not wanted", get("Connection: upgrade\r\nUpgrade: frob\r\n"), "2xx"},
    };
    return cases;
}

}  // namespace sluice::test
