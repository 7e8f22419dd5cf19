#include "endpoints/database_problem.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::endpoints {

namespace {

using Values = std::vector<std::optional<std::string>>;

DatabaseError error_of(std::string state, ErrorFields fields = {}) {
    auto message = "ERROR:  " + fields.message;
    return {DatabaseError::Kind::rejected, std::move(state), std::move(message), std::nullopt,
            std::make_shared<const ErrorFields>(std::move(fields))};
}

ErrorFields raised(std::string message) {
    ErrorFields fields;
    fields.message = std::move(message);
    fields.routine = "exec_stmt_raise";
    return fields;
}

ErrorFields saying(std::string message, std::string routine = "", bool has_place = false) {
    ErrorFields fields;
    fields.message = std::move(message);
    fields.routine = std::move(routine);
    fields.has_place = has_place;
    return fields;
}

}  // namespace

// Situations S13 to S25 and their kinds.
TEST(SqlStates, HaveAStatusEach) {
    struct Case {
        const char* state;
        ErrorFields fields;
        InputSource source;
        unsigned status;
    };
    const auto parameters = InputSource::parameters;
    const auto body = InputSource::body;
    const auto nothing = InputSource::nothing;
    const std::vector<Case> cases{
        {"08001", saying("could not connect to server \"far\""), parameters, 503},
        {"0A000", saying("not supported"), parameters, 500},
        {"21000", saying("ON CONFLICT DO UPDATE command cannot affect row a second time", "ExecOnConflictUpdate"), body,
         422},
        {"21000", saying("more than one row returned by a subquery", "ExecSetParamPlan"), body, 500},
        {"22P02", saying("invalid input syntax"), parameters, 400},
        {"22P02", saying("invalid input syntax"), body, 422},
        {"22P02", saying("invalid input syntax"), nothing, 500},
        {"22012", saying("division by zero"), nothing, 500},
        {"2200H", saying("nextval: reached maximum value of sequence"), parameters, 500},
        {"22023", raised("a function's own"), nothing, 400},
        {"23001", {}, body, 409},
        {"23502", {}, body, 422},
        {"23503", {}, body, 422},
        {"23505", {}, body, 409},
        {"23514", {}, body, 422},
        {"23P01", {}, body, 409},
        {"25006", {}, parameters, 500},
        {"28000", saying("x"), parameters, 500},
        {"28000", raised("x"), parameters, 403},
        {"40001", {}, body, 503},
        {"40003", {}, body, 504},
        {"42501", saying("permission denied for table x", "aclcheck_error"), body, 500},
        {"42501", saying("new row violates row-level security policy", "ExecWithCheckOptions"), body, 403},
        {"42501", raised("not yours"), body, 403},
        {"42601", saying("syntax error in tsquery: \"red kettle\""), parameters, 400},
        {"42601", saying("syntax error in tsquery"), nothing, 500},
        {"42601", saying("syntax error at or near \"from\"", "scanner_yyerror", true), parameters, 500},
        {"42P01", saying("relation does not exist", "", true), parameters, 500},
        {"44000", saying("new row violates check option for view \"v\"", "ExecWithCheckOptions"), body, 422},
        {"53100", {}, body, 503},
        {"55006", {}, body, 409},
        {"55P03", saying("could not obtain lock on row"), parameters, 503},
        {"57014", raised("x"), parameters, 504},
        {"57P01", raised("x"), parameters, 503},
        {"58030", {}, parameters, 500},
        {"HV000", {}, parameters, 502},
        {"HV00N", {}, parameters, 503},
        {"P0001", raised("x"), body, 422},
        {"P0002", raised("x"), body, 404},
        {"P0003", {}, body, 500},
        {"45000", raised("x"), body, 500},
        {"XX000", {}, body, 500},
        {"PT402", raised("x"), body, 402},
        {"PT200", raised("x"), body, 500},
        {"PT999", raised("x"), body, 500},
        {"PTabc", raised("x"), body, 500},
    };
    for (const auto& one : cases) {
        const auto problem = to_problem(error_of(one.state, one.fields), one.source);
        EXPECT_EQ(problem.status, one.status) << one.state << ' ' << one.fields.message;
        EXPECT_EQ(problem.retry_after.has_value(), one.status == 503) << one.state;
        EXPECT_TRUE(problem.status < 600 && problem.status >= 400);
        if (std::string_view{one.state}.substr(0, 2) != "PT" && !one.fields.message.empty() && one.fields.message != "x")
            EXPECT_EQ(problem.detail.find(one.fields.message), std::string::npos) << "PostgreSQL's own words";
    }
}

TEST(SqlStates, ThatRefuseAValueNameTheConstraintOrTheColumn) {
    ErrorFields fields;
    fields.constraint = "city_name_key";
    fields.detail = "Key (name)=(secret) already exists.";
    auto problem = to_problem(error_of("23505", fields), InputSource::body);
    ASSERT_EQ(problem.errors.size(), 1U);
    EXPECT_EQ(problem.errors[0].in, "constraint");
    EXPECT_EQ(problem.errors[0].name, "city_name_key");
    EXPECT_EQ(to_response(problem, "r").body.find("secret"), std::string::npos);
    fields = {};
    fields.column = "email";
    problem = to_problem(error_of("23502", fields), InputSource::body);
    ASSERT_EQ(problem.errors.size(), 1U);
    EXPECT_EQ(problem.errors[0].in, "column");
    EXPECT_EQ(problem.errors[0].name, "email");
    EXPECT_TRUE(to_problem(error_of("42703", fields), InputSource::body).errors.empty()) << "nothing of a fault of ours";
}

TEST(SqlStates, AFunctionDecidesStatusAndTexts) {
    auto fields = raised("Payment required");
    fields.detail = "The quota of June is used up.";
    fields.hint = R"({"quota":100,"status":999,"type":"x"})";
    const auto response = to_response(to_problem(error_of("PT402", fields), InputSource::body), "r1");
    EXPECT_EQ(response.status, 402U);
    const auto document = nlohmann::json::parse(response.body);
    EXPECT_EQ(document["title"], "Payment required");
    EXPECT_EQ(document["detail"], "The quota of June is used up.");
    EXPECT_EQ(document["quota"], 100);
    EXPECT_EQ(document["status"], 402) << "what is ours stays ours";
    EXPECT_EQ(document["type"], "about:blank");
    fields.hint = "Upgrade your plan.";
    EXPECT_EQ(nlohmann::json::parse(to_response(to_problem(error_of("PT402", fields), InputSource::body), "r").body)["hint"],
              "Upgrade your plan.");
}

TEST(SqlStates, AConfigurationMapsThemAndLetsMessagesPass) {
    ErrorRules rules;
    rules.statuses = {{"45000", 409}, {"P0", 400}, {"23505", 422}};
    EXPECT_EQ(to_problem(error_of("45000", raised("x")), InputSource::body, rules).status, 409U);
    EXPECT_EQ(to_problem(error_of("P0001", raised("x")), InputSource::body, rules).status, 400U) << "by its class";
    EXPECT_EQ(to_problem(error_of("23505", {}), InputSource::body, rules).status, 422U);
    EXPECT_EQ(to_problem(error_of("PT418", raised("x")), InputSource::body, rules).status, 418U);
    EXPECT_NE(to_problem(error_of("P0001", raised("Too late.")), InputSource::body, rules).detail, "Too late.");
    rules.messages = true;
    EXPECT_EQ(to_problem(error_of("P0001", raised("Too late.")), InputSource::body, rules).detail, "Too late.");
    EXPECT_EQ(to_problem(error_of("45000", raised("Too late.")), InputSource::body, rules).detail, "Too late.");
    EXPECT_NE(to_problem(error_of("23505", saying("duplicate key")), InputSource::body, rules).detail, "duplicate key")
        << "PostgreSQL's own words";
}

TEST(SourceOfError, IsWhoeverSentWhatIsQuoted) {
    const Values values{"5", "abc", std::nullopt, R"(say "hi" now)"};
    const std::size_t parameters = 2;
    const auto source = [&](const char* state, std::string message) {
        return source_of(error_of(state, saying(std::move(message))), values, parameters);
    };
    EXPECT_EQ(source("22P02", "invalid input syntax for type integer: \"abc\""), InputSource::parameters);
    EXPECT_EQ(source("22P02", "invalid input syntax for type integer: \"say \"hi\" now\""), InputSource::body);
    EXPECT_EQ(source("22P02", "invalid input syntax for type integer: \"stored\""), InputSource::nothing);
    EXPECT_EQ(source("22003", "integer out of range"), InputSource::body) << "the body has a value";
    EXPECT_EQ(source("22012", "division by zero"), InputSource::nothing) << "no value is zero";
    const Values zero{"1", "-0.00"};
    EXPECT_EQ(source_of(error_of("22012", saying("division by zero")), zero, 2), InputSource::parameters);
    EXPECT_EQ(source_of(error_of("22003", saying("integer out of range")), Values{}, 0), InputSource::nothing);
    EXPECT_EQ(source_of(error_of("22003", saying("integer out of range")), Values{std::nullopt, std::nullopt}, 1),
              InputSource::nothing);
}

}  // namespace sluice::endpoints
