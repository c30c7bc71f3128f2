// Prints case.jsonld of the example: write_case [ROWS].
#include <cstdio>
#include <cstdlib>

#include "example.hpp"
#include "html_example.hpp"
#include "report/uco/case_jsonld.hpp"

int main(int argc, char** argv) {
  const trimcarve::test::TempFolder folder;
  auto examination = trimcarve::test::example(trimcarve::test::make_example_disk(folder));
  if (argc > 1) trimcarve::test::add_rows(examination, std::strtoul(argv[1], nullptr, 10));
  trimcarve::report::write_case_jsonld(examination, {"trimcarve", "examine"}, "seed",
                                       [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); });
}
