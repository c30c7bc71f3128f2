// Rows into a new SQLite database.
//
// Every value is bound, never put into SQL. Integers that SQLite cannot hold are given as a blob of their digits; times as ISO 8601 text.
#pragma once

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "trimcarve/file_time.hpp"
#include "trimcarve/result.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

class Database {
 public:
  // The empty file at `path`, which must be there; errors are RunError{output} naming `shown`.
  Database(const std::string& path, std::string shown, const char* schema) : shown_(std::move(shown)) {
    sqlite3* opened = nullptr;
    const int code =
        ::sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, nullptr);
    db_.reset(opened);
    if (code != SQLITE_OK) fail();
    // The file is new and nobody's else; the folder says when it is whole.
    run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 4096; BEGIN");
    run(schema);
  }

  void run(const char* sql) {
    if (::sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
  }

  void finish() {
    run("COMMIT");
    if (::sqlite3_close(db_.get()) != SQLITE_OK) fail();
    static_cast<void>(db_.release());
  }

  sqlite3* get() const noexcept { return db_.get(); }
  [[noreturn]] void fail() const {
    throw RunError(ExitCode::output, shown_, "cannot write", db_ != nullptr ? ::sqlite3_errmsg(db_.get()) : "out of memory");
  }

 private:
  struct Close {
    void operator()(sqlite3* db) const { ::sqlite3_close_v2(db); }
  };
  std::string shown_;
  std::unique_ptr<sqlite3, Close> db_;
};

// Rows of one table, its columns in the order of the schema.
class Rows {
 public:
  Rows(Database& db, const char* table) : db_(db) {
    std::string sql = "SELECT COUNT(*) FROM pragma_table_info(?)";
    prepare(sql);
    if (::sqlite3_bind_text(statement_.get(), 1, table, -1, SQLITE_STATIC) != SQLITE_OK || ::sqlite3_step(statement_.get()) != SQLITE_ROW)
      db_.fail();
    const int columns = ::sqlite3_column_int(statement_.get(), 0);
    sql = "INSERT INTO " + std::string(table) + " VALUES (?";
    for (int i = 1; i < columns; ++i) sql += ",?";
    prepare(sql + ")");
  }

  template <class... T>
  void add(const T&... values) {
    int at = 0;
    (bind(++at, values), ...);
    if (::sqlite3_step(statement_.get()) != SQLITE_DONE || ::sqlite3_reset(statement_.get()) != SQLITE_OK) db_.fail();
  }

 private:
  void prepare(const std::string& sql) {
    sqlite3_stmt* made = nullptr;
    if (::sqlite3_prepare_v2(db_.get(), sql.c_str(), -1, &made, nullptr) != SQLITE_OK) db_.fail();
    statement_.reset(made);
  }
  void check(int code) const {
    if (code != SQLITE_OK) db_.fail();
  }
  void bind(int at, std::string_view text) {
    check(
        ::sqlite3_bind_text64(statement_.get(), at, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  void bind(int at, std::u16string_view text) { bind(at, std::string_view(to_utf8(text))); }
  void bind(int at, const std::string& text) { bind(at, std::string_view(text)); }
  void bind(int at, const std::u16string& text) { bind(at, std::u16string_view(text)); }
  void bind(int at, const char* text) { bind(at, std::string_view(text)); }
  void bind(int at, FileTime time) { time == no_time ? bind(at, nullptr) : bind(at, std::string_view(to_iso8601(time))); }
  void bind(int at, std::nullptr_t) { check(::sqlite3_bind_null(statement_.get(), at)); }
  void bind(int at, bool value) { check(::sqlite3_bind_int(statement_.get(), at, value ? 1 : 0)); }
  // SQLite's integers have 63 bits and a sign. What is larger is no size and no offset of a disk: its digits are given as a blob, which
  // no column turns into something else.
  template <std::integral T>
  void bind(int at, T value) {
    if constexpr (std::is_unsigned_v<T>)
      if (static_cast<std::uint64_t>(value) > 0x7FFF'FFFF'FFFF'FFFFU) {
        const std::string digits = std::to_string(value);
        return check(::sqlite3_bind_blob64(statement_.get(), at, digits.data(), digits.size(), SQLITE_TRANSIENT));
      }
    check(::sqlite3_bind_int64(statement_.get(), at, static_cast<sqlite3_int64>(value)));
  }
  template <class T>
  void bind(int at, const std::optional<T>& value) {
    value ? bind(at, *value) : bind(at, nullptr);
  }

  struct Finalize {
    void operator()(sqlite3_stmt* s) const { ::sqlite3_finalize(s); }
  };
  Database& db_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace trimcarve::report
