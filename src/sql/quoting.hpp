// Values as literals of SQL, for text that is put together where no parameters can be: in DDL and beside inferred types.
#pragma once

#include <string>
#include <string_view>

namespace sluice::sql {

/// `'text'`, whatever standard_conforming_strings is.
inline std::string text_literal(std::string_view value) {
    std::string text{value.find('\\') == value.npos ? "'" : "E'"};
    for (const char c : value) text.append(c == '\'' || c == '\\' ? 2U : 1U, c);
    return text + '\'';
}

}  // namespace sluice::sql
