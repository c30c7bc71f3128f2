#include "carvers/script_text.hpp"

namespace trimcarve::carvers {

std::string_view to_string(Language language) noexcept {
  switch (language) {
    case Language::powershell: return "powershell";
    case Language::batch: return "batch";
    case Language::vbscript: return "vbscript";
    case Language::python: return "python";
    case Language::shell: return "shell";
    case Language::settings: return "settings";
    case Language::status: return "status";
    case Language::agent_log: return "agent_log";
  }
  return "unknown";
}

std::string_view to_string(TextEncoding encoding) noexcept {
  switch (encoding) {
    case TextEncoding::utf8: return "utf-8";
    case TextEncoding::utf16le: return "utf-16le";
    case TextEncoding::json: return "json";
  }
  return "unknown";
}

}  // namespace trimcarve::carvers

#if TRIMCARVE_HYPERSCAN

#include <algorithm>

#include "carvers/byte_tests.hpp"
#include "carvers/script_judge.hpp"
#include "carvers/script_lines.hpp"
#include "carvers/script_rules.hpp"

namespace trimcarve::carvers {

namespace {

constexpr std::size_t short_text = 2048, most_apart = seed_piece, longest_span = 65536;  // of texts that are looked through together

// One search of a stretch of the window.
class Search {
 public:
  Search(const ScriptEngine& engine, Scratch& scratch, ByteView window, std::size_t low, std::size_t grain, std::size_t grain_at,
         const std::function<void(const TextFragment&)>& sink)
      : engine_(engine), scratch_(scratch), window_(window), judge_(engine, scratch, grain, grain_at, sink), done_(low) {}

  std::size_t run(std::size_t from, std::size_t to) {
    for (std::size_t at = from; at < to; at += seed_piece) {
      if (at + seed_piece > to) {
        seeds(at, to, true, true);
      } else if (at + seed_piece > done_) {
        const TextSeeds found = text_seeds(window_.subspan(at).first<seed_piece>());
        if (found.bytes || found.units) seeds(at, at + seed_piece, found.bytes, found.units);
      }
    }
    flush();
    return done_;
  }

 private:
  void seeds(std::size_t at, std::size_t end, bool bytes, bool units) {
    for (; at + 8 <= end; at += 8) {
      if (at + 8 <= done_) continue;
      const auto word = le<std::uint64_t>(window_, at);
      const std::size_t done = done_ > at ? done_ - at : 0;  // of these eight
      if (bytes && seed_of_bytes(word))
        text_of_bytes(at + done);
      else if (units && seed_of_units_at_even(word))
        text_of_units(at + (done + 1) / 2 * 2);
      else if (units && seed_of_units_at_odd(word))
        text_of_units(at + done / 2 * 2 + 1);
    }
  }

  std::string_view view(const TextRun& run) const {
    return {reinterpret_cast<const char*>(window_.data()) + run.begin, run.end - run.begin};
  }

  void text_of_bytes(std::size_t at) {
    TextMeasure measure;
    const TextRun run = run_of_bytes(window_, at, done_, measure);
    done_ = std::max(done_, run.end);
    if (measure.length < shortest_alone || !reads_as_text(view(run), measure)) return;
    const bool lines = has_lines(view(run), measure);
    if (!lines || measure.length <= short_text) return note(run, lines);
    flush();
    engine_.scan(ScriptEngine::signs, view(run), scratch_, hits_);
    judge_.stored(view(run), run.begin, hits_);
    strings(run, hits_);
  }

  void text_of_units(std::size_t at) {
    const TextRun run = run_of_units(window_, at, done_);
    done_ = std::max(done_, run.end);
    if (run.end - run.begin < 2 * shortest_alone) return;
    lines_.start(run.begin);
    for (std::size_t i = run.begin; i < run.end; i += 2) lines_.add(unit_at(window_, i), i + 2);
    lines_.finish();
    const TextMeasure measure = measure_text(std::as_bytes(std::span(lines_.text)));
    if (!reads_as_text(lines_.text, measure)) return;
    flush();
    engine_.scan(has_lines(lines_.text, measure) ? ScriptEngine::signs : ScriptEngine::alone, lines_.text, scratch_, hits_);
    judge_.read(lines_, TextEncoding::utf16le, hits_);
  }

  // What is asked of a text before more is spent on it, but for one with something that nothing else has: three lines, which a string of
  // JSON may hold with their ends escaped, and signs.
  static bool has_lines(std::string_view text, const TextMeasure& measure) {
    if (measure.length < shortest_text || !has_signs(measure)) return false;
    return measure.line_ends >= 2 || has_escaped_lines(text);
  }
  static bool has_escaped_lines(std::string_view text) {
    const std::size_t first = text.find("\\n");
    return first != std::string_view::npos && text.find("\\n", first + 1) != std::string_view::npos;
  }

  // Short texts, as those of programs' tables, are looked through together: a scan costs more than their bytes do. Those that are too short
  // or have too few signs only for what is enough by itself.
  void note(const TextRun& run, bool lines) {
    if (!noted_.empty() && (run.begin - noted_.back().run.end > most_apart || run.end - noted_.front().run.begin > longest_span)) flush();
    noted_.push_back({run, lines});
    noted_lines_ = noted_lines_ || lines;
  }

  void flush() {
    if (noted_.empty()) return;
    const std::size_t begin = noted_.front().run.begin;
    engine_.scan(noted_lines_ ? ScriptEngine::signs : ScriptEngine::alone, view({begin, noted_.back().run.end}), scratch_, hits_);
    auto hit = hits_.begin();
    for (const auto& [run, lines] : noted_) {
      bool alone = false;
      of_run_.clear();
      for (; hit != hits_.end() && begin + hit->end <= run.end; ++hit) {
        if (begin + hit->end <= run.begin) continue;
        of_run_.push_back({begin + hit->end - run.begin, hit->sign, hit->rule});
        alone = alone || hit->rule != RuleHit::no_rule;
      }
      if (lines || alone) judge_.stored(view(run), run.begin, of_run_);
      if (lines) strings(run, of_run_);
    }
    noted_.clear();
    noted_lines_ = false;
  }

  // Strings of JSON that hold line ends and signs: a script, or the log of one, as a document quotes it. A string ends with its line.
  void strings(const TextRun& run, const std::vector<RuleHit>& signs) {
    const std::string_view text = view(run);
    std::size_t at = 0;
    for (const RuleHit& sign : signs) {
      if (sign.end <= at) continue;
      const std::size_t before = text.rfind('\n', sign.end - 1), begin = before == std::string_view::npos ? 0 : before + 1;
      at = std::min(text.find('\n', sign.end), text.size());
      const std::string_view line = text.substr(begin, at - begin);
      if (has_escaped_lines(line)) strings_of_line({run.begin + begin, run.begin + at}, signs, run.begin);
    }
  }

  void strings_of_line(const TextRun& run, const std::vector<RuleHit>& signs, std::size_t signs_from) {
    const std::string_view line = view(run);
    // The next ones, each looked for once.
    std::size_t slash = std::min(line.find('\\'), line.size()), quote = std::min(line.find('"'), line.size());
    const auto pass = [&line](std::size_t& at, char c, std::size_t from) {
      if (at < from) at = std::min(line.find(c, from), line.size());
    };
    while (quote < line.size()) {
      const std::size_t begin = quote + 1;
      std::size_t end = begin, ends = 0;
      for (;;) {
        pass(slash, '\\', end);
        pass(quote, '"', end);
        if (slash >= quote) break;
        ends += slash + 1 < line.size() && line[slash + 1] == 'n' ? 1U : 0U;
        end = std::min(slash + 2, line.size());
      }
      end = quote;
      const TextRun string{run.begin + begin, run.begin + end};
      const auto sign = std::ranges::upper_bound(signs, string.begin - signs_from, {}, &RuleHit::end);
      if (ends >= 2 && end - begin >= shortest_text && sign != signs.end() && sign->end + signs_from <= string.end) {
        read_string(string.begin, string.end);
        engine_.scan(ScriptEngine::signs, lines_.text, scratch_, of_string_);
        judge_.read(lines_, TextEncoding::json, of_string_);
      }
      pass(quote, '"', end + 1);
    }
  }

  // RFC 8259, section 7.
  void read_string(std::size_t begin, std::size_t end) {
    lines_.start(begin);
    for (std::size_t i = begin; i < end;) {
      const std::size_t escape = std::min(view({i, end}).find('\\'), end - i);
      lines_.add_stored(view({i, i + escape}), i);
      i += escape;
      if (i == end) break;
      if (i + 1 == end) {
        lines_.add_byte('\\', ++i);
        break;
      }
      const char escaped = static_cast<char>(window_[i + 1]);
      i += 2;
      switch (escaped) {
        case 'n': lines_.add(U'\n', i); break;
        case 'r': lines_.add(U'\r', i); break;
        case 't': lines_.add(U'\t', i); break;
        case 'b':
        case 'f': lines_.add(U' ', i); break;
        case 'u': {
          char32_t value = 0;
          std::size_t digits = 0;
          for (; digits < 4 && i + digits < end; ++digits) {
            const char h = static_cast<char>(window_[i + digits]);
            const int d = h >= '0' && h <= '9' ? h - '0' : h >= 'a' && h <= 'f' ? h - 'a' + 10 : h >= 'A' && h <= 'F' ? h - 'A' + 10 : -1;
            if (d < 0) break;
            value = value * 16 + static_cast<char32_t>(d);
          }
          i += digits;
          lines_.add(digits == 4 && value != 0 && (value < 0xD800 || value > 0xDFFF) ? value : U'?', i);
          break;
        }
        default: lines_.add_byte(escaped, i); break;
      }
    }
    lines_.finish();
  }

  const ScriptEngine& engine_;
  Scratch& scratch_;
  ByteView window_;
  ScriptJudge judge_;
  std::size_t done_;
  TextLines lines_;  // of text that is not stored as it is read
  std::vector<RuleHit> hits_, of_run_, of_string_;
  struct Noted {
    TextRun run;
    bool lines;
  };
  std::vector<Noted> noted_;
  bool noted_lines_ = false;
};

}  // namespace

struct ScriptText::Parts {
  ScriptEngine engine;
};

Result<ScriptText> ScriptText::make() {
  if (hs_valid_platform() != HS_SUCCESS) return fail("this processor lacks SSSE3, which Hyperscan needs");
  if (script_rules().size() > most_rules) return fail("more rules than there is room for");
  return ScriptText(std::make_shared<Parts>());
}

std::size_t ScriptText::search(ByteView window, std::size_t from, std::size_t to, std::size_t low, std::size_t grain, std::size_t grain_at,
                               const std::function<void(const TextFragment&)>& sink) const {
  to = std::min(to, window.size());
  if (from >= to || grain == 0) return low;
  Scratch scratch = parts_->engine.take();
  const std::size_t done = Search(parts_->engine, scratch, window, low, grain, grain_at, sink).run(from, to);
  parts_->engine.give(std::move(scratch));
  return done;
}

}  // namespace trimcarve::carvers

#else

namespace trimcarve::carvers {

struct ScriptText::Parts {};

Result<ScriptText> ScriptText::make() { return fail("this build of trimcarve has no Hyperscan"); }

std::size_t ScriptText::search(ByteView, std::size_t, std::size_t, std::size_t low, std::size_t, std::size_t,
                               const std::function<void(const TextFragment&)>&) const {
  return low;
}

}  // namespace trimcarve::carvers

#endif
