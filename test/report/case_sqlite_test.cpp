// Oracle: SQLite's own reading of what was written; cli/check_cli.py holds the whole against findings.json.
#include "report/case_sqlite.hpp"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "example.hpp"

using namespace trimcarve;

namespace {

std::string ask(const std::string& path, const char* sql) {
  sqlite3* db = nullptr;
  REQUIRE(::sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
  std::string answer;
  const auto take = [](void* out, int columns, char** values, char**) {
    for (int i = 0; i < columns; ++i) *static_cast<std::string*>(out) += (values[i] != nullptr ? values[i] : "NULL") + std::string("|");
    return 0;
  };
  CHECK(::sqlite3_exec(db, sql, take, &answer, nullptr) == SQLITE_OK);
  ::sqlite3_close(db);
  return answer;
}

}  // namespace

TEST_CASE("names and texts made to attack stay text in case.sqlite") {
  const test::TempFolder temp;
  Examination x = test::example(test::make_example_disk(temp));
  x.files.at(0).name = std::u16string(u"a'); DROP TABLE file; --\u202E\xD800");
  x.files.at(0).path = std::u16string(u"\\x\"; ATTACH 'y' AS z; --") + u'\0' + u"end";
  x.targets.at(0).reason = "'; DELETE FROM target; --";
  x.files.at(0).size = ~std::uint64_t{0};  // more than SQLite's integers hold
  const std::string file = temp / "case.sqlite";
  test::write_file(file, "");
  report::write_case_database(x, file, "case.sqlite");
  CHECK(ask(file, "SELECT COUNT(*) FROM file") == std::to_string(x.files.size()) + "|");
  CHECK(ask(file, "SELECT name, name_utf16le_hex FROM file WHERE id = 0") ==
        "a'); DROP TABLE file; --\u202E\\ud800|610027002900"
        "3b002000440052004f00500020005400410042004c0045002000660069006c0065003b0020002d002d002e2000d8|");
  CHECK(ask(file, "SELECT length(CAST(path AS BLOB)), typeof(size), size FROM file WHERE id = 0") == "28|blob|18446744073709551615|");
  CHECK(ask(file, "SELECT reason FROM target WHERE id = 0") == "'; DELETE FROM target; --|");
  CHECK(ask(file, "PRAGMA integrity_check") == "ok|");
}

TEST_CASE("a database that cannot be written ends the run with its name") {
  const test::TempFolder temp;
  try {
    report::write_case_database(test::example(test::make_example_disk(temp)), "/dev/full", "out/case.sqlite");
    FAIL("/dev/full was written");
  } catch (const RunError& error) {
    CHECK(error.code() == ExitCode::output);
    CHECK(std::string(error.what()).find("out/case.sqlite") != std::string::npos);
  }
}
