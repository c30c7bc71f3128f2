// case.sqlite: the examination as a database, for questions that were not foreseen. Its tables and views are in case_schema.cpp.
//
// Every value is bound, never put into SQL. Two writings of one examination are equal byte for byte with one version of SQLite.
#pragma once

#include <string>

#include "trimcarve/examination.hpp"

namespace trimcarve::report {

// Fills the empty file at `path`, which must be there. Throws RunError{output} naming `shown`. Whole or not at all is the caller's affair.
void write_case_database(const Examination& examination, const std::string& path, const std::string& shown);

}  // namespace trimcarve::report
