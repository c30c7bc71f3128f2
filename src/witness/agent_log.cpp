#include "witness/agent_log.hpp"

#include <algorithm>
#include <string>

#include "witness/agent_message.hpp"
#include "witness/log_line.hpp"
#include "witness/log_lines.hpp"
#include "witness/plain_text.hpp"

namespace trimcarve::witness {

namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// A line with what continues it.
struct Message {
  bool open = false;
  std::uint64_t offset = 0, length = 0;
  bool cut = false;
  bool dated = false;  // a prefix began it
  std::string text, time_text, process, level;
  FileTime time;
  bool zone_stated = false, of_handler = false;
};

class LogReader {
 public:
  LogReader(std::string_view path, const StatementSink& sink, Tally& tally) : messages_(origin_of(path)), sink_(sink), tally_(tally) {
    own_file_ = messages_.origin().own;
  }

  void line(const Line& line) {
    if (const auto prefix = read_line_prefix(line.text)) {
      flush();
      any_prefix_ = true;
      begin(line);
      message_.dated = true;
      message_.text = prefix->text;
      message_.time_text = prefix->time_text;
      message_.process = prefix->process;
      message_.level = prefix->level;
      message_.time = prefix->time;
      message_.zone_stated = prefix->zone_stated;
      message_.of_handler = prefix->of_handler;
    } else if (message_.open && message_.dated) {
      message_.length = line.offset + line.length - message_.offset;
      message_.cut = message_.cut || line.cut || message_.text.size() + 1 + line.text.size() > most_text;
      if (message_.text.size() < most_text) {
        message_.text += '\n';
        message_.text += line.text.substr(0, most_text - message_.text.size());
      }
    } else if (!trim(line.text).empty()) {
      flush();
      begin(line);
      message_.cut = line.cut || line.headless;
      message_.text = line.text;
    }
  }

  void gap() { flush(); }

  void finish() {
    flush();
    if (!any_prefix_ && !own_file_ && tally_.emitted == 0) {
      tally_.readable = false;
      tally_.note = "no line of an agent's log";
    }
  }

 private:
  void begin(const Line& line) {
    message_.open = true;
    message_.offset = line.offset;
    message_.length = line.length;
    message_.cut = line.cut;
    message_.dated = message_.of_handler = false;
    message_.time = no_time;
    message_.time_text.clear();
    message_.process.clear();
    message_.level.clear();
  }

  void flush() {
    if (!message_.open) return;
    message_.open = false;
    ++tally_.records;
    if (message_.cut || (message_.dated && message_.time == no_time)) ++tally_.damaged;
    tally_.window.see(message_.time);
    while (!message_.text.empty() && (message_.text.back() == '\n' || message_.text.back() == '\r')) message_.text.pop_back();
    if (!is_ascii(message_.text)) message_.text = to_clean_utf8(message_.text);
    statement_ = Statement();
    statement_.offset = message_.offset;
    statement_.length = message_.length;
    statement_.cut = message_.cut;
    statement_.time = message_.time;
    statement_.time_text = to_clean_utf8(message_.time_text);
    statement_.zone_stated = message_.zone_stated || !message_.dated;
    statement_.process_id = message_.process;
    if (!message_.level.empty()) statement_.fields.emplace_back("level", message_.level);
    messages_.read(message_.text, message_.process, message_.of_handler, message_.offset, statement_, [this](const Statement& statement) {
      if (statement_.event.empty())
        statement_.event = messages_.origin().file.empty() ? "agent log" : to_clean_utf8(messages_.origin().file);
      ++tally_.emitted;
      sink_(statement);
    });
  }

  MessageReader messages_;
  const StatementSink& sink_;
  Tally& tally_;
  Message message_;
  Statement statement_;
  bool own_file_ = false, any_prefix_ = false;
};

}  // namespace

Tally read_agent_log(const ByteSource& file, std::string_view path, const StatementSink& sink) {
  Tally tally;
  LogReader reader(path, sink, tally);
  read_lines(file, tally.gaps, [&](const Line& line) { reader.line(line); }, [&] { reader.gap(); });
  reader.finish();
  return tally;
}

}  // namespace trimcarve::witness
