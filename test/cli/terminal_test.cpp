#include "cli/terminal.hpp"

#include <doctest/doctest.h>

#include "report/layout.hpp"

using namespace trimcarve;
using cli::progress_text;
using cli::Step;

TEST_CASE("progress tells the stage, how much of it is done, how fast, and how long it will take") {
  // 256 MiB of 1 GiB in two seconds: 128 MiB/s, so that the other 768 MiB take six.
  const Step step{0, 256U << 20, 1U << 30, 2.0, true};
  const std::string text = progress_text("free space", step, 79);
  CHECK(text == "free space  [#######-----------------------]   25%  128.0 MiB/s  0:06 left");
}

TEST_CASE("rate and time left are not told before there is anything to tell them from") {
  CHECK(progress_text("$MFT", {0, 50, 100, 0.9, true}, 40) == "$MFT  [#############-------------]   50%");
  CHECK(progress_text("$MFT", {0, 0, 100, 5, true}, 30).find("left") == std::string::npos);
  CHECK(progress_text("logs and hives", {0, 0, 0, 5, true}, 79) == "logs and hives");
  CHECK(progress_text("$MFT", {}, 79) == "$MFT");
}

TEST_CASE("what a stage had done when it was first seen does not count as its speed") {
  CHECK(progress_text("x", {100, 200, 400, 10, false}, 79).find("10/s  0:20 left") != std::string::npos);
}

TEST_CASE("what is no bytes is told as numbers, and long times have hours") {
  const std::string text = progress_text("contents", {0, 2000, 50'000'000, 2, false}, 79);
  CHECK(text.find("1,000/s") != std::string::npos);
  CHECK(text.find("13:53:18 left") != std::string::npos);  // 49,998,000 at 1,000 a second
}

TEST_CASE("progress never has more columns than it may, and the bar goes first") {
  const Step step{0, 256U << 20, 1U << 30, 2.0, true};
  for (std::size_t width = 1; width < 120; ++width) CHECK(report::columns(progress_text("free space", step, width)) <= width);
  CHECK(progress_text("free space", step, 50).find('[') == std::string::npos);
  CHECK(progress_text("free space", step, 50).find("0:06 left") != std::string::npos);
  CHECK(progress_text("free space", step, 5) == "free\u2026");
}

TEST_CASE("more done than there was to do is a whole bar, and what could deceive a terminal is escaped") {
  const std::string text = progress_text("\x1b[2J", {0, 300, 200, 0, true}, 79);
  CHECK(text.find("100%") != std::string::npos);
  CHECK(text.find('-') == std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}
