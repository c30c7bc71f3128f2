// Writes a report.html for the tests in a browser: write_report FILE [hostile] [ROWS].
#include <cstdlib>
#include <fstream>
#include <string>

#include "example.hpp"
#include "html_example.hpp"
#include "report/html/html.hpp"

int main(int argc, char** argv) {
  const trimcarve::test::TempFolder folder;
  auto examination = trimcarve::test::example(trimcarve::test::make_example_disk(folder));
  for (int i = 2; i < argc; ++i) {
    if (std::string(argv[i]) == "hostile")
      trimcarve::test::make_hostile(examination);
    else
      trimcarve::test::add_rows(examination, std::strtoul(argv[i], nullptr, 10));
  }
  std::ofstream out(argv[1], std::ios::binary | std::ios::trunc);
  trimcarve::report::write_html(examination, {"trimcarve", "examine", "disk.raw"},
                                [&out](std::string_view text) { out.write(text.data(), static_cast<std::streamsize>(text.size())); });
  return out.flush() ? 0 : 1;
}
