// Prints the example's findings.json, for the test against the schema.
#include <cstdio>

#include "example.hpp"
#include "report/document.hpp"

int main() {
  const trimcarve::test::TempFolder folder;
  const auto examination = trimcarve::test::example(trimcarve::test::make_example_disk(folder));
  trimcarve::report::write_document(examination, [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); });
}
