// Prints case.jsonld of the example.
#include <cstdio>

#include "example.hpp"
#include "report/uco/case_jsonld.hpp"

int main() {
  const trimcarve::test::TempFolder folder;
  trimcarve::report::write_case_jsonld(trimcarve::test::example(trimcarve::test::make_example_disk(folder)), {"trimcarve", "examine"}, "seed",
                                       [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); });
}
