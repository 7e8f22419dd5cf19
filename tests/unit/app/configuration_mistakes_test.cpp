// What is wrong with a configuration, as a person reads it: the place, and what to write instead.
#include "../config/config_files.hpp"
#include "app/route_check.hpp"

#include <gmock/gmock.h>

namespace sluice::app {
namespace {

struct Mistake {
    std::string yaml;               // `$PG` is a section 'postgres'
    std::vector<std::string> said;  // all of it, without the file's name
};

std::string with_postgres(std::string yaml) {
    const std::string name = "$PG";
    if (const auto at = yaml.find(name); at != yaml.npos)
        yaml.replace(at, name.size(), "postgres: { primary: 'postgresql://localhost/x' }\n");
    return yaml;
}

/// Of the file alone, or of what would be built of it.
std::vector<std::string> mistakes_of(const std::string& yaml) {
    config::ConfigFiles files;
    files.write("c.yaml", yaml);
    auto said = files.mistakes();
    if (said.empty()) {
        for (const auto& [location, message] : check_parts(files.load()))
            said.push_back(to_string(location) + ": " + message);
    }
    const auto folder = files.folder().string() + '/';
    for (auto& line : said) {
        for (auto at = line.find(folder); at != line.npos; at = line.find(folder)) line.erase(at, folder.size());
    }
    for (auto& line : said) line.erase(0, line.find("c.yaml:") + std::string{"c.yaml:"}.size());
    return said;
}

const std::vector<Mistake>& mistakes() {
    static const std::vector<Mistake> all{
        {"sever: {}\n", {"1:1: unknown key 'sever', did you mean 'server'?"}},
        {"server: { lisen: ':80' }\n", {"1:11: unknown key 'lisen', did you mean 'listen'?"}},
        {"$PGredis: { urls: x }\n", {"2:10: unknown key 'urls', did you mean 'url'?"}},
        {"cache: { l1_size: 64MiB }\n", {"1:10: unknown key 'l1_size'; known here: 'l1_bytes', 'l2_bytes'"}},
        {"auth: { key_secret: x }\n", {"1:9: unknown key 'key_secret', did you mean 'key_secrets'?"}},
        {"tiers: { free: { request: 1, window: 1s } }\n", {"1:18: unknown key 'request', did you mean 'requests'?"}},
        {"rate_limit: { on_fail: closed }\n",
         {"1:15: unknown key 'on_fail'; known here: 'strategy', 'addresses', 'exempt_keys', 'expected_instances'"}},
        {"routes:\n  GET /a:\n    sqll: select 1\n$PG", {"3:5: unknown key 'sqll', did you mean 'sql'?"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    cache: { tll: 60s }\n$PG",
         {"4:14: unknown key 'tll', did you mean 'ttl'?"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    params: { a: { typ: integer } }\n$PG",
         {"4:15: parameter 'a' is declared but not used: write ':a' in the SQL, or leave it out",
          "4:20: unknown key 'typ', did you mean 'type'?"}},
        {"$PGtables: { film: { tag: [a] } }\n", {"2:19: unknown key 'tag', did you mean 'tags'?"}},
        {"log: { levels: info }\n", {"1:8: unknown key 'levels', did you mean 'level'?"}},
        {"server: { timeouts: { drains: 1s } }\n", {"1:23: unknown key 'drains', did you mean 'drain'?"}},
        {"server: { cors: { origin: ['*'] } }\n", {"1:19: unknown key 'origin', did you mean 'origins'?"}},
        {"server: [a]\n", {"1:9: 'server' must be a mapping, not a list"}},
        {"server: { threads: many }\n", {"1:20: 'threads' must be a whole number from 0 to 1024, not 'many'"}},
        {"server: { limits: 5 }\n", {"1:19: 'limits' must be a mapping, not a text"}},
        {"include: a.yaml\n", {"1:10: 'include' must be a list, not a text: put it in brackets, '[…]'"}},
        {"routes:\n  GET /a:\n    sql: [select 1]\n$PG", {"3:10: 'sql' must be a text, not a list"}},
        {"routes:\n  GET /a:\n    sql:\n$PG", {"3:5: 'sql' must be a text, not nothing"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    scopes: a\n$PG",
         {"4:13: 'scopes' must be a list, not a text: put it in brackets, '[…]'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    collapse: yes\n$PG",
         {"4:15: 'collapse' must be true or false, not 'yes'"}},
        {"routes: []\n", {"1:9: 'routes' must be a mapping, not a list"}},
        {"$PGroutes: { GET /a: select 1 }\n", {"2:19: route 'GET /a' must be a mapping, not a text"}},
        {"$PGtables: [film]\n", {"2:9: 'tables' must be a mapping, not a list"}},
        {"tiers: [free]\n", {"1:8: 'tiers' must be a mapping, not a list"}},
        {"auth: { jwt: https://x }\n", {"1:14: 'jwt' must be a mapping, not a text"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    timeout: 5\n$PG",
         {"4:14: 'timeout' must be a duration such as 250ms, 5s, 2m, 1h or 7d, not '5'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    timeout: 5 s\n$PG",
         {"4:14: 'timeout' must be a duration such as 250ms, 5s, 2m, 1h or 7d, not '5 s'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    timeout: 0s\n$PG", {"4:14: 'timeout' must be at least 1ms"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    timeout: -1s\n$PG",
         {"4:14: 'timeout' must be a duration such as 250ms, 5s, 2m, 1h or 7d, not '-1s'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    timeout: 1.5s\n$PG",
         {"4:14: 'timeout' must be a duration such as 250ms, 5s, 2m, 1h or 7d, not '1.5s'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    cache: { ttl: forever }\n$PG",
         {"4:19: 'ttl' must be a duration such as 250ms, 5s, 2m, 1h or 7d, not 'forever'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    max_answer: 1 MB\n$PG",
         {"4:17: 'max_answer' must be a size such as 64KiB, 1MiB or 4096, not '1 MB'"}},
        {"server: { limits: { body: 1MB } }\n", {"1:27: 'body' must be a size such as 64KiB, 1MiB or 4096, not '1MB'"}},
        {"cache: { l1_bytes: -1 }\n", {"1:20: 'l1_bytes' must be a size such as 64KiB, 1MiB or 4096, not '-1'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    timeout: 99999999999999s\n$PG",
         {"4:14: 'timeout' must be a duration such as 250ms, 5s, 2m, 1h or 7d, not '99999999999999s'"}},
        {"server: { listen: 'localhost:99999' }\n",
         {"1:19: 'listen' must be host:port, such as 127.0.0.1:8080 or [::1]:8080, not 'localhost:99999'"}},
        {"server: { listen: '8080' }\n",
         {"1:19: 'listen' must be host:port, such as 127.0.0.1:8080 or [::1]:8080, not '8080'"}},
        {"server: { threads: 5000 }\n", {"1:20: 'threads' must be a whole number from 0 to 1024, not '5000'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    status: 404\n$PG",
         {"4:13: 'status' must be a whole number from 200 to 299, not '404'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    status: 99\n$PG",
         {"4:13: 'status' must be a whole number from 200 to 299, not '99'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    cost: 0\n$PG",
         {"4:11: 'cost' must be a whole number from 1 to 1000000, not '0'"}},
        {"postgres: { primary: 'postgresql://localhost/x', pool: 0 }\n",
         {"1:56: 'pool' must be a whole number from 1 to 1000, not '0'"}},
        {"tiers: { free: { requests: 0, window: 1s } }\n",
         {"1:28: 'requests' must be a whole number from 1 to 1000000000, not '0'"}},
        {"tiers: { free: { requests: 10, window: 0s } }\n", {"1:40: 'window' must be at least 1s"}},
        {"server: { compress: 5 }\n", {"1:11: unknown key 'compress', did you mean 'compression'?"}},
        {"server: { trusted_proxies: [10.0.0.0/33] }\n",
         {"1:29: a trusted proxy must be an address block such as 10.0.0.0/8 or fd00::/8, not '10.0.0.0/33'"}},
        {"server: { trusted_proxies: [localhost] }\n",
         {"1:29: a trusted proxy must be an address block such as 10.0.0.0/8 or fd00::/8, not 'localhost'"}},
        {"$PGroutes:\n  GET /a: { sql: select 1 as one }\n  GET /a: { sql: select 2 as one }\n",
         {"4:3: duplicate key 'GET /a', first given in line 3"}},
        {"$PGroutes:\n  GET /a/{x}: { params: { x: integer }, sql: 'select :x::int as x' }\n  GET /a/{y}: { params: { y: "
         "integer }, sql: 'select :y::int as y' }\n",
         {"4:3: the route 'GET /a/{y}' matches the same requests as 'GET /a/{x}' at c.yaml:3:3"}},
        {"routes:\n  GET /a/{x}/{x}:\n    sql: select 1 as one\n$PG", {"2:3: the path names the parameter 'x' twice"}},
        {"routes:\n  POST /a/{x}:\n    params: { x: integer }\n    body: { type: object, properties: { x: { type: integer } "
         "} }\n    sql: select :x::int as x\n$PG",
         {"4:41: the body property 'x' has the name of a path or query parameter; write ':body.x' for the property"}},
        {"routes:\n  FETCH /a:\n    sql: select 1 as one\n$PG", {"2:3: unknown method 'FETCH', did you mean 'PATCH'?"}},
        {"routes:\n  /a:\n    sql: select 1 as one\n$PG",
         {"2:3: a route is written METHOD /path, such as 'GET /v1/cities/{id}', not '/a'"}},
        {"routes:\n  GET a:\n    sql: select 1 as one\n$PG", {"2:3: the path 'a' must begin with '/'"}},
        {"routes:\n  GET:\n    sql: select 1 as one\n$PG",
         {"2:3: a route is written METHOD /path, such as 'GET /v1/cities/{id}', not 'GET'"}},
        {"routes:\n  GET /a/{}:\n    sql: select 1 as one\n$PG",
         {"2:3: a parameter's name has letters, digits and '_', unlike '{}'"}},
        {"routes:\n  GET /a/{x:\n    sql: select 1 as one\n$PG",
         {"2:3: a path parameter takes a whole segment, '{name}', unlike '{x'"}},
        {"routes:\n  GET /a/x{y}:\n    sql: select 1 as one\n$PG",
         {"2:3: a path parameter takes a whole segment, '{name}', unlike 'x{y}'"}},
        {"routes:\n  GET /a?b=1:\n    sql: select 1 as one\n$PG",
         {"2:3: the path cannot hold '?': query parameters are declared in 'params'"}},
        {"routes:\n  get /a:\n    sql: select 1 as one\n$PG", {"2:3: unknown method 'get', did you mean 'GET'?"}},
        {"routes:\n  HEAD /a:\n    sql: select 1 as one\n$PG",
         {"2:3: HEAD is answered by the GET route; it cannot be declared"}},
        {"routes:\n  GET /a//b:\n    sql: select 1 as one\n$PG", {"2:3: the path has an empty segment ('//')"}},
        {"routes:\n  GET /a b:\n    sql: select 1 as one\n$PG", {"2:3: the path cannot hold spaces or control characters"}},
        {"routes:\n  GET /a/{1x}:\n    sql: select 1 as one\n$PG",
         {"2:3: a parameter's name has letters, digits and '_', unlike '{1x}'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    body: { type: object }\n$PG",
         {"4:5: a GET has no body: leave 'body' out, or make it a POST"}},
        {"routes:\n  POST /a:\n    sql: select 1 as one\n    cache: { ttl: 1s }\n$PG", {"4:5: 'cache' is for GET"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    invalidates: [a]\n$PG",
         {"4:5: 'invalidates' is for methods that write, not GET"}},
        {"routes:\n  POST /a:\n    sql: select 1 as one\n    on: primary\n$PG",
         {"4:5: 'on' is for GET: other methods always run on the primary"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    on: replica\n$PG",
         {"4:9: 'on' must be 'primary', not 'replica'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    idempotency: required\n$PG",
         {"4:5: 'idempotency' is for methods that write, not GET"}},
        {"routes:\n  POST /a:\n    sql: select 1 as one\n    etag: off\n$PG",
         {"4:5: 'etag' is for GET: what a write answers has no ETag"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    etag: version\n$PG",
         {"4:5: 'etag: version' needs 'result: one', a row that has a column 'version'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    precondition: required\n$PG",
         {"4:5: 'precondition' is for methods that write, not GET"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    auth: none\n    scopes: [a]\n$PG",
         {"5:13: 'scopes' need 'auth: required'; it is the default then, so leave 'auth' out"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    result: one\n    page: { by: [one] }\n$PG",
         {"5:5: 'page' needs 'result: many'"}},
        {"routes:\n  GET /a:\n    params: { n: integer }\n    sql: select :n::int as n\n    collapse: true\n    page: { by: "
         "[n] }\n$PG",
         {"5:5: 'collapse' and 'page' exclude each other"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    collapse: true\n$PG",
         {"4:5: 'collapse' needs a parameter in the SQL: without one all reads are the same"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    limit: { requests: 1, window: 1s }\n    cost: 5\n$PG",
         {"4:12: 'limit' is less than one request's 'cost': the route could never be called"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    auth: required\n    cache: { ttl: 1s, vary: idenity }\n$PG",
         {"5:29: 'vary' must be 'identity', 'tier', 'scope' or 'header:NAME', not 'idenity', did you mean 'identity'?"}},
        {"routes:\n  GET /a:\n    sql: 'select :sub::text as sub'\n    cache: { ttl: 1s }\n$PG",
         {"4:5: the SQL names :sub, so 'cache' needs 'vary: identity': else one caller gets another's answer"}},
        {"consistency: header\n", {"1:14: 'consistency' needs 'auth.key_secrets' to sign its tokens"}},
        {"consistency: maybe\n", {"1:14: 'consistency' must be 'off', 'header' or 'cookie', not 'maybe'"}},
        {"routes:\n  GET /a:\n    params: { a: int }\n    sql: select :a as a\n$PG",
         {"3:18: a parameter's type is 'string', 'integer', 'number', 'boolean' or 'array', not 'int', did you mean "
          "'integer'?"}},
        {"routes:\n  GET /a/{a}:\n    sql: 'select :b as b'\n$PG", {"3:18: unknown parameter ':b', did you mean ':a'?"}},
        {"routes:\n  GET /a:\n    params: { a: integer }\n    sql: select 1 as one\n$PG",
         {"3:15: parameter 'a' is declared but not used: write ':a' in the SQL, or leave it out"}},
        {"routes:\n  GET /a:\n    params: { a: { type: integer, minimum: x } }\n    sql: 'select :a::int as a'\n$PG",
         {"3:44: 'minimum' must be an integer, not 'x'"}},
        {"routes:\n  GET /a:\n    params: { a: { type: integer, minimum: 5, maximum: 1 } }\n    sql: 'select :a::int as "
         "a'\n$PG",
         {"3:56: 'maximum' is less than 'minimum'"}},
        {"routes:\n  GET /a:\n    params: { a: { type: integer, default: 5, minimum: 6 } }\n    sql: 'select :a::int as "
         "a'\n$PG",
         {"3:44: the default must be at least 6"}},
        {"routes:\n  GET /a:\n    params: { a: { type: string, pattern: '(' } }\n    sql: 'select :a::text as a'\n$PG",
         {"3:43: 'pattern' is no regular expression (RE2): '('"}},
        {"routes:\n  GET /a:\n    params: { a: { type: string, minLength: 5, maxLength: 1 } }\n    sql: 'select :a::text as "
         "a'\n$PG",
         {"3:59: 'maxLength' is less than 'minLength'"}},
        {"routes:\n  GET /a:\n    params: { a: { type: integer, minLength: 5 } }\n    sql: 'select :a::int as a'\n$PG",
         {"3:46: 'minLength' does not apply to an integer"}},
        {"routes:\n  GET /a:\n    params: { a: array }\n    sql: 'select :a::text[] as a'\n$PG",
         {"3:15: an array needs 'items', the type of its values"}},
        {"routes:\n  GET /a:\n    params: { a: { type: string, enum: [] } }\n    sql: 'select :a::text as a'\n$PG",
         {"3:40: 'enum' is empty: list the values that are allowed"}},
        {"routes:\n  GET /a:\n    params: { a: { type: string, enum: [x, x] } }\n    sql: 'select :a::text as a'\n$PG",
         {"3:44: the enum has 'x' twice"}},
        {"routes:\n  GET /a/{a}:\n    params: { a: { type: integer, default: 1 } }\n    sql: 'select :a::int as a'\n$PG",
         {"3:44: a path parameter is always there: it has no default"}},
        {"routes:\n  GET /a/{a}:\n    params: { a: { type: integer, required: false } }\n    sql: 'select :a::int as "
         "a'\n$PG",
         {"3:45: a path parameter is always required: leave 'required' out"}},
        {"routes:\n  GET /a:\n    params: { sub: string }\n    sql: 'select :sub::text as a'\n$PG",
         {"3:15: the parameter name 'sub' is reserved: ':sub' is the token's subject"}},
        {"routes:\n  GET /a:\n    params: { a-b: string }\n    sql: 'select 1 as a'\n$PG",
         {"3:15: a parameter's name has letters, digits and '_', unlike 'a-b'",
          "3:15: parameter 'a-b' is declared but not used: write ':a-b' in the SQL, or leave it out"}},
        {"routes:\n  GET /a:\n    params: { a: { type: integer, required: true, default: 1 } }\n    sql: 'select :a::int as "
         "a'\n$PG",
         {"3:60: a required parameter has no use for a default"}},
        {"routes:\n  GET /a:\n    sql: 'select :body as a'\n$PG", {"3:18: ':body' needs a 'body:' schema"}},
        {"routes:\n  POST /a:\n    body: { type: objekt }\n    sql: select 1 as one\n$PG",
         {"3:19: 'type' must be a JSON type, not 'objekt', did you mean 'object'?"}},
        {"routes:\n  POST /a:\n    body: { type: object, properties: { a: { type: integr } } }\n    sql: 'select :a as "
         "one'\n$PG",
         {"3:52: 'type' must be a JSON type, not 'integr', did you mean 'integer'?"}},
        {"routes:\n  POST /a:\n    body: { type: object, required: a }\n    sql: select 1 as one\n$PG",
         {"3:37: 'required' must be a list of names, not 'a'"}},
        {"routes:\n  POST /a:\n    body: 5\n    sql: select 1 as one\n$PG",
         {"3:11: 'body' must be a JSON Schema as a mapping, not '5'"}},
        {"routes:\n  POST /a:\n    body: { $ref: 'x' }\n    sql: select 1 as one\n$PG",
         {"3:19: '$ref' must stay within the schema: '#/…'"}},
        {"auth: { jwt: { issuer: x } }\n",
         {"1:9: 'jwt' needs 'audience': tokens made for other services are refused",
          "1:9: 'jwt' needs exactly one of 'jwks_file', 'jwks_url' and 'hs256_secret'"}},
        {"auth: { jwt: { issuer: x, audience: y } }\n",
         {"1:9: 'jwt' needs exactly one of 'jwks_file', 'jwks_url' and 'hs256_secret'"}},
        {"auth: { jwt: { issuer: x, audience: y, jwks_url: 'ftp://x' } }\n",
         {"1:50: 'jwks_url' must begin with https:// or http://"}},
        {"auth: { jwt: { issuer: x, audience: y, jwks_url: 'https://x/', jwks_file: k.json } }\n",
         {"1:50: 'jwks_url' is one too many: 'jwt' needs exactly one of 'jwks_file', 'jwks_url' and 'hs256_secret'"}},
        {"auth: { jwt: { issuer: x, audience: y, jwks_file: nothing.json } }\n",
         {"1:51: 'jwks_file' nothing.json: it cannot be read: No such file or directory"}},
        {"auth: { jwt: { issuer: x, audience: y, jwks_url: 'https://x/', leeway: 5 } }\n",
         {"1:72: 'leeway' must be a duration such as 250ms, 5s, 2m, 1h or 7d, not '5'"}},
        {"auth: { jwt: { issuer: x, audience: y, jwks_url: 'https://x/', default_tier: gold } }\n",
         {"1:78: there is no tier 'gold'; the tiers are 'anonymous', 'enterprise', 'free' or 'pro'"}},
        {"server: { cors: { origins: [example.com] } }\n",
         {"1:29: 'example.com' is no origin: it has no scheme; write 'https://example.com'"}},
        {"server: { cors: { origins: ['https://example.com/'] } }\n",
         {"1:29: 'https://example.com/' is no origin: it ends with '/'; write 'https://example.com'"}},
        {"server: { cors: { origins: ['*'], credentials: true } }\n",
         {"1:48: 'credentials' would let every site act for its visitors where 'origins' is '*'; list the origins"}},
        {"server: { cors: { origins: ['https://a.com'], max_age: 10 } }\n",
         {"1:56: 'max_age' must be a duration such as 250ms, 5s, 2m, 1h or 7d, not '10'"}},
        {"server: { headers: { Connection: close } }\n",
         {"1:22: 'Connection' differs from answer to answer and is managed by Sluice"}},
        {"server: { headers: { 'X Y': z } }\n", {"1:22: 'X Y' is no header field name: letters, digits and '-'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    cache: {}\n$PG", {"4:5: 'cache' needs 'ttl'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    cache: { ttl: 60s, tags: ['a:{b}'] }\n$PG",
         {"4:31: the tag 'a:{b}' names 'b', which is no parameter"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    cache: { ttl: 60s, tags: ['a:{b'] }\n$PG",
         {"4:31: the tag 'a:{b' has a '{' without '}'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    cache: { ttl: 60s, tags: 'a' }\n$PG",
         {"4:30: 'tags' must be a list, not a text: put it in brackets, '[…]'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    cache: { ttl: 60s, stale: 1s, negative: x }\n$PG",
         {"4:45: 'negative' must be a duration such as 250ms, 5s, 2m, 1h or 7d, not 'x'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    page: {}\n$PG",
         {"4:5: 'page' needs 'by', the columns that order its rows, or 'orders'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    page: { by: one }\n$PG",
         {"4:5: 'page' needs 'auth.key_secrets': they sign its cursors"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    page: { by: [one, one] }\n$PG",
         {"4:23: 'by' names the column 'one' twice"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    page: { by: [one descending] }\n$PG",
         {"4:5: 'page' needs 'auth.key_secrets': they sign its cursors"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    page: { by: [one], limit: 0 }\n$PG",
         {"4:24: unknown key 'limit'; known here: 'size', 'max'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    page: true\n$PG",
         {"4:11: 'page' must be a mapping, not a text"}},
        {"tables: { film: { tags: [a] } }\n", {"1:1: 'tables' needs 'postgres' with a 'primary'"}},
        {"$PGtables: { film: {} }\n", {"2:11: table 'film' needs 'tags'"}},
        {"$PGtables: { a.b.c: { tags: [x] } }\n",
         {"2:11: a table is written as table or schema.table, in lower case, unlike 'a.b.c'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n", {"2:3: the routes' SQL needs 'postgres' with a 'primary'"}},
        {"redis: { url: 'http://x' }\n", {"1:15: 'url' must read redis://[:password@]host[:port][/database]"}},
        {"$PGredis: {}\n", {"2:8: 'redis' needs 'url'"}},
        {"postgres: {}\n", {"1:11: 'postgres' needs 'primary'"}},
        {"postgres: { primary: 'mysql://x' }\n",
         {"1:22: 'primary' must begin with postgresql://, or be libpq's key=value form"}},
        {"include: [nothing/*.yaml]\n", {"1:11: no file matches 'nothing/*.yaml'"}},
        {"log: { level: verbose }\n", {"1:15: 'level' must be 'debug', 'info', 'warning' or 'error', not 'verbose'"}},
        {"server: { admin_token: ${UNSET_IN_TESTS} }\n", {"1:24: YAML: '${…}' within brackets needs quotes"}},
        {"server: { admin_token: '${}' }\n",
         {"1:24: '${' must be followed by NAME} or NAME:-default}; write '$${' for the characters themselves"}},
        {"auth: { key_secrets: [short] }\n",
         {"1:22: key secret 1 has less than 16 bytes; make one with: openssl rand -hex 32"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    errors: { '4500': 409 }\n$PG",
         {"4:15: '4500' is no SQLSTATE: five digits or capitals, or the two of a class"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    errors: { '45000': 200 }\n$PG",
         {"4:24: the status for '45000' must be 400 to 599"}},
        {"routes:\n  POST /a:\n    sql: select 1 as one\n    invalidates: ['a:{b}']\n    result: none\n$PG",
         {"4:19: the tag 'a:{b}' names 'b', which is no parameter"}},
        {"rate_limit: { backend: memcached }\n",
         {"1:15: unknown key 'backend'; known here: 'strategy', 'addresses', 'exempt_keys', 'expected_instances'"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    limit: 5\n$PG", {"4:12: 'limit' must be a mapping, not a text"}},
        {"routes:\n  GET /a:\n    sql: select 1 as one\n    limit: { requests: 5 }\n$PG", {"4:12: 'limit' needs 'window'"}},
    };
    return all;
}

}  // namespace

TEST(ConfigurationMistakes, SayWhereAndWhatToDo) {
    EXPECT_GE(mistakes().size(), 60U);
    for (const auto& [yaml, said] : mistakes()) {
        EXPECT_THAT(mistakes_of(with_postgres(yaml)), ::testing::ElementsAreArray(said)) << yaml;
    }
}

}  // namespace sluice::app
