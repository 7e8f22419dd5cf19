// The official JSON-Schema-Test-Suite, draft 7, as Debian's libtest-json-schema-acceptance-perl carries it.
#include "endpoints/json_body.hpp"
#include "json/schema.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::endpoints {
namespace {

namespace fs = std::filesystem;

const fs::path suite = "/usr/share/perl5/auto/share/dist/Test-JSON-Schema-Acceptance/tests/draft7";

/// As JSON text again; a number by its canonical text.
std::string to_text(const json::Json& value) {
    if (json::is_number(value)) return std::string{json::number_text(value)};
    if (!value.is_structured()) return value.dump();
    std::string text;
    for (const auto& [name, part] : value.items()) {
        if (!text.empty()) text += ',';
        if (value.is_object()) text.append(json::Json(name).dump()).append(":");
        text += to_text(part);
    }
    return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

/// The verdict on a body: its status, or 0 for a schema that is refused.
unsigned verdict(const std::string& schema, const std::string& document) {
    try {
        const auto read = JsonBody{schema, {}}.read(document);
        const auto* problem = std::get_if<Problem>(&read);
        return problem ? problem->status : 200;
    } catch (const std::invalid_argument&) {
        return 0;
    }
}

/// A group of cases, all or some of which fail.
struct Unsupported {
    std::string group;  // `file: description`
    std::string_view reason;

    bool operator<(const Unsupported& other) const { return group < other.group; }
};

// Schemas that are refused, by the server and by `sluice check`.
constexpr std::string_view remote = "a $ref to another document: nothing is fetched";
constexpr std::string_view by_uri = "a $ref by a URI: only '#/…' is followed";
constexpr std::string_view by_name = "a $ref by a plain name: only '#/…' is followed";
constexpr std::string_view inner_id = "an $id below the top";
constexpr std::string_view not_re2 = "a regular expression that RE2 cannot run";
// Verdicts that are wrong.
constexpr std::string_view spaces = "RE2's \\s and \\S know ASCII's spaces without the vertical tab";
constexpr std::string_view content = "contentEncoding and contentMediaType are not checked; `sluice check` refuses them";
constexpr std::string_view annotation = "an annotation: this format is not checked";
constexpr std::string_view looser = "checked less strictly";

const std::set<Unsupported> refused{
    {"definitions: validate definition against metaschema", remote},
    {"id: id inside an enum is not a real identifier", by_uri},
    {"ref: $id must be resolved against nearest parent, not just immediate parent", by_uri},
    {"ref: $ref prevents a sibling $id from changing the base uri", inner_id},
    {"ref: Location-independent identifier", by_name},
    {"ref: Location-independent identifier with base URI change in subschema", by_uri},
    {"ref: Recursive references between schemas", by_uri},
    {"ref: URN base URI with URN and JSON pointer ref", by_uri},
    {"ref: URN base URI with URN and anchor ref", by_uri},
    {"ref: ref to else", by_uri},
    {"ref: ref to if", by_uri},
    {"ref: ref to then", by_uri},
    {"ref: ref with absolute-path-reference", by_uri},
    {"ref: refs with relative uris and defs", by_uri},
    {"ref: relative refs with absolute uris and defs", by_uri},
    {"ref: remote ref, containing refs itself", remote},
    {"ref: simple URN base URI with $ref via the URN", by_uri},
    {"refRemote: Location-independent identifier in remote ref", remote},
    {"refRemote: base URI change", remote},
    {"refRemote: base URI change - change folder", remote},
    {"refRemote: base URI change - change folder in subschema", remote},
    {"refRemote: fragment within remote ref", remote},
    {"refRemote: ref within remote ref", remote},
    {"refRemote: remote ref", remote},
    {"refRemote: remote ref with ref to definitions", remote},
    {"refRemote: retrieved nested refs resolve relative to their URI not $id", remote},
    {"refRemote: root ref in remote ref", remote},
    {"unknownKeyword: $id inside an unknown keyword is not a real identifier", by_uri},
};

const std::set<Unsupported> optional_refused{
    {"cross-draft: refs to future drafts are processed as future drafts", remote},
    {"ecmascript-regex: ECMA 262 regex escapes control codes with \\c and lower letter", not_re2},
    {"ecmascript-regex: ECMA 262 regex escapes control codes with \\c and upper letter", not_re2},
    {"ecmascript-regex: pattern with non-ASCII digits", not_re2},
    {"ecmascript-regex: patternProperties with non-ASCII digits", not_re2},
    {"ecmascript-regex: patterns always use unicode semantics with pattern", not_re2},
    {"ecmascript-regex: patterns always use unicode semantics with patternProperties", not_re2},
};
const std::set<Unsupported> optional_misjudged{
    {"content: validation of binary string-encoding", content},
    {"content: validation of binary-encoded media type documents", content},
    {"content: validation of string-encoded content based on media type", content},
    {"ecmascript-regex: ECMA 262 \\S matches everything but whitespace", spaces},
    {"ecmascript-regex: ECMA 262 \\s matches whitespace", spaces},
};

const std::set<Unsupported> formats_misjudged{
    {"date-time: validation of date-time strings", looser},
    {"email: validation of e-mail addresses", looser},
    {"hostname: validation of host names", annotation},
    {"idn-email: validation of an internationalized e-mail addresses", annotation},
    {"idn-hostname: validation of internationalized host names", annotation},
    {"ipv4: validation of IP addresses", annotation},
    {"ipv6: validation of IPv6 addresses", annotation},
    {"iri-reference: validation of IRI References", annotation},
    {"iri: validation of IRIs", annotation},
    {"json-pointer: validation of JSON-pointers (JSON String Representation)", annotation},
    {"regex: validation of regular expressions", annotation},
    {"relative-json-pointer: validation of Relative JSON Pointers (RJP)", annotation},
    {"time: validation of time strings", looser},
    {"uri-reference: validation of URI References", annotation},
    {"uri-template: format: uri-template", annotation},
    {"uri: validation of URIs", annotation},
};

/// Runs a folder's cases and prints how many pass. Fails if a group fails, or is refused, that is not listed; and if one
/// that is listed has come to pass, so that the lists stay true.
void judge(const fs::path& folder, const std::string& name, std::size_t at_least,
           const std::set<Unsupported>& may_be_refused, const std::set<Unsupported>& may_be_misjudged) {
    ASSERT_TRUE(fs::is_directory(folder)) << "run scripts/setup";
    std::size_t cases = 0;
    std::size_t passed = 0;
    std::set<Unsupported> failing;
    for (const auto& entry : fs::directory_iterator{folder}) {
        const auto& file = entry.path();
        if (file.extension() != ".json") continue;
        std::stringstream text;
        text << std::ifstream{file}.rdbuf();
        for (const auto& group : json::read_schema(text.str())) {
            const Unsupported known{file.stem().string() + ": " + group.at("description").get<std::string>(), ""};
            for (const auto& test : group.at("tests")) {
                ++cases;
                const auto status = verdict(to_text(group.at("schema")), to_text(test.at("data")));
                if (status == (test.at("valid").get<bool>() ? 200u : 422u)) {
                    ++passed;
                    continue;
                }
                failing.insert(known);
                EXPECT_TRUE((status == 0 ? may_be_refused : may_be_misjudged).contains(known))
                    << known.group << ": " << test.at("description") << " is answered " << status;
            }
        }
    }
    std::cout << name << ": " << passed << " passed of " << cases << '\n';
    EXPECT_GE(passed, at_least);
    for (const auto* listed : {&may_be_refused, &may_be_misjudged}) {
        for (const auto& [group, reason] : *listed)
            EXPECT_TRUE(failing.contains({group, ""})) << group << " passes, and is listed as: " << reason;
    }
}

}  // namespace

TEST(JsonSchemaSuite, RequiredCasesAreJudgedRightOrTheirSchemaIsRefused) { judge(suite, "draft 7", 800, refused, {}); }

TEST(JsonSchemaSuite, OptionalCases) {
    judge(suite / "optional", "draft 7, optional", 73, optional_refused, optional_misjudged);
}

TEST(JsonSchemaSuite, Formats) { judge(suite / "optional" / "format", "draft 7, formats", 293, {}, formats_misjudged); }

}  // namespace sluice::endpoints
