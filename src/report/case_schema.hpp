// The tables and views of case.sqlite (see case_sqlite.hpp).
#pragma once

namespace trimcarve::report {

// SQL that makes all of them in an empty database.
extern const char* const case_schema;

}  // namespace trimcarve::report
