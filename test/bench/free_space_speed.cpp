// How fast the search of free space goes over the bytes of a file, and what bounds it: the same bytes copied, and read once.
//
// Usage: free_space_speed [--fragments] FILE... ; each is read into memory first. One thread; seconds of CPU time, the best of three. With
// --fragments the fragments of text found are printed instead, so that two builds can be compared.
#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "carvers/free_space.hpp"

using namespace trimcarve;

namespace {

double seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(const std::vector<std::byte>& bytes) : bytes_(bytes) {}
  std::uint64_t size() const noexcept override { return bytes_.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(bytes_.size(), offset, out.size())) return fail("past the end");
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override { return {{offset, length, ExtentKind::data}}; }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override { return {{disk_space, offset, length}}; }

 private:
  const std::vector<std::byte>& bytes_;
};

template <class Work>
double rate(std::size_t bytes, Work work) {
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    const double begin = seconds();
    work();
    best = std::max(best, static_cast<double>(bytes) / 1e9 / (seconds() - begin));
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  const auto scripts = carvers::ScriptText::make();
  bool fragments = false;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--fragments") {
      fragments = true;
      continue;
    }
    std::ifstream in(argv[i], std::ios::binary | std::ios::ate);
    std::vector<std::byte> bytes(in ? static_cast<std::size_t>(in.tellg()) : 0);
    in.seekg(0);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!in || bytes.empty()) {
      fmt::print(stderr, "{}: cannot be read\n", argv[i]);
      return 1;
    }
    const MemorySource source(bytes);
    const carvers::Stretch whole{0, bytes.size()};
    carvers::FreeSpaceOptions options;
    std::uint64_t texts = 0, text_bytes = 0;
    const auto search = [&](const carvers::Candidate& c) {
      if (c.kind != carvers::CandidateKind::text) return;
      ++texts, text_bytes += c.length;
      if (fragments)
        fmt::print("{} {} {} {} {}/{} {}\n", c.offset, c.length, to_string(c.text->language), to_string(c.text->encoding),
                   c.text->lines_matched, c.text->lines, fmt::join(c.text->rules, ","));
    };
    options.text = scripts ? &*scripts : nullptr;
    if (fragments) {
      search_free_space(source, std::span(&whole, 1), options, search);
      continue;
    }
    // The rules of text are compiled when the first text is met.
    search_free_space(source, std::span(&whole, 1), options, search);
    const std::uint64_t found = texts, found_bytes = text_bytes;
    const double with_text = rate(bytes.size(), [&] { search_free_space(source, std::span(&whole, 1), options, search); });
    options.text = nullptr;
    const double without = rate(bytes.size(), [&] { search_free_space(source, std::span(&whole, 1), options, search); });
    std::vector<std::byte> chunk(std::size_t{4} << 20);
    const double copied = rate(bytes.size(), [&] {
      for (std::size_t at = 0; at < bytes.size(); at += chunk.size()) {
        std::memcpy(chunk.data(), bytes.data() + at, std::min(chunk.size(), bytes.size() - at));
        asm volatile("" : : "r"(chunk.data()) : "memory");
      }
    });
    std::uint64_t any = 0;
    const double read = rate(bytes.size(), [&] {
      for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) any |= le<std::uint64_t>(bytes, at);
      asm volatile("" : : "r"(any) : "memory");
    });
    fmt::print("{}: {:.2f} GB/s; without text {:.2f}; copied {:.1f}, read once {:.1f}; {} texts, {} bytes\n", argv[i], with_text, without,
               copied, read, found, found_bytes);
  }
  return 0;
}
