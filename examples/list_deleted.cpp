// Lists the files of a target that an image still tells of, with the bounds of their deletion. Against an installed trimcarve:
//   g++ -std=c++23 list_deleted.cpp $(pkg-config --cflags --libs --static trimcarve) -o list_deleted
#include <iostream>
#include <trimcarve/examine.hpp>
#include <trimcarve/text.hpp>

static std::string text_of(const std::optional<trimcarve::FileTime>& time) { return time ? trimcarve::to_iso8601(*time) : "unknown"; }

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: list_deleted IMAGE [TARGET...]\n";
    return 2;
  }
  trimcarve::Request request;
  request.image = {argv[1]};
  if (argc > 2) request.targets.assign(argv + 2, argv + argc);
  try {
    const trimcarve::Examination found = trimcarve::examine(request);
    for (const trimcarve::FileReport& file : found.files) {
      std::cout << trimcarve::to_string(file.state) << '\t' << trimcarve::for_terminal(trimcarve::to_utf8(file.path));
      if (file.deleted) {
        const trimcarve::Bounds& when = file.deleted->bounds;
        std::cout << "\tdeleted between " << text_of(when.earliest) << " and " << text_of(when.latest);
      }
      std::cout << '\n';
    }
    return found.complete ? 0 : 1;
  } catch (const trimcarve::RunError& error) {
    std::cerr << "list_deleted: " << error.what() << '\n';
    return static_cast<int>(error.code());
  }
}
