#include "report/timeline/sorter.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <queue>

namespace trimcarve::report {

namespace {

constexpr std::size_t chunk = std::size_t{1} << 20;
constexpr std::uint64_t check_every = 1 << 16;  // rows

// A row in the temporary file: its time, which of the entry's it is, and the entry's bytes.
struct RowHead {
  std::uint64_t time;
  std::uint64_t which;
};

[[noreturn]] void fail(const char* what) { throw RunError(ExitCode::output, "temporary file", what, system_error()); }

Descriptor open_temporary() {
  const char* folder = std::getenv("TMPDIR");
  if (folder == nullptr || *folder == 0) folder = "/tmp";
  Descriptor file(::open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  // A file system without O_TMPFILE.
  std::string name = std::string(folder) + "/trimcarve-XXXXXX";
  file = Descriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (file) ::unlink(name.c_str());
  return file;
}

void write_all(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write");
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
}

}  // namespace

// One run of the temporary file, row by row.
class RowSorter::Reader {
 public:
  Reader(int fd, Run run, std::size_t number) : fd_(fd), run_(run), number_(number) {}

  // False at the end.
  bool next() {
    used_ += size_;
    size_ = 0;
    if (!have(sizeof(RowHead) + sizeof(RowFacts))) return false;
    const std::size_t size = sizeof(RowHead) + packed_size(buffer_.data() + used_ + sizeof(RowHead));
    if (!have(size)) return false;
    size_ = size;
    std::memcpy(&head_, buffer_.data() + used_, sizeof head_);
    return true;
  }

  Row row() const {
    Row row = unpack(buffer_.data() + used_ + sizeof(RowHead));
    row.time = FileTime{head_.time};
    row.which = static_cast<Which>(head_.which);
    return row;
  }
  // A run's rows were added before those of the next.
  bool after(const Reader& other) const { return head_.time != other.head_.time ? head_.time > other.head_.time : number_ > other.number_; }

 private:
  bool have(std::size_t size) {
    if (buffer_.size() - used_ >= size) return true;
    buffer_.erase(0, used_);
    used_ = 0;
    while (buffer_.size() < size) {
      const std::size_t old = buffer_.size(), step = static_cast<std::size_t>(std::min<std::uint64_t>(chunk, run_.end - run_.begin));
      if (step == 0) return false;
      buffer_.resize(old + step);
      const ssize_t got = ::pread(fd_, buffer_.data() + old, step, static_cast<off_t>(run_.begin));
      if (got < 0 && errno != EINTR) fail("cannot read");
      if (got == 0) throw RunError(ExitCode::output, "temporary file", "cannot read", "it was cut");
      buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      run_.begin += static_cast<std::uint64_t>(std::max<ssize_t>(got, 0));
    }
    return true;
  }

  int fd_;
  Run run_;
  std::size_t number_, used_ = 0, size_ = 0;
  std::string buffer_;
  RowHead head_{};
};

RowSorter::RowSorter(std::size_t budget) : budget_(budget), file_(open_temporary()), why_not_(file_ ? 0 : errno) {}

void RowSorter::add(const TimelineEntry& entry) {
  if (entries_.capacity() < budget_) {
    // All at once: what is not used costs no memory, and growing would hold everything twice.
    entries_.reserve(budget_);
    keys_.reserve(budget_ / sizeof(Key));
  }
  const std::uint64_t at = entries_.size();
  pack(entry, entries_);
  RowFacts facts;
  std::memcpy(&facts, entries_.data() + at, sizeof facts);
  const std::size_t before = keys_.size();
  each_time(facts, [&](Which which, FileTime time) { keys_.push_back({time, at << 3 | static_cast<std::uint64_t>(which)}); });
  if (keys_.size() == before) {
    entries_.resize(at);
    return;
  }
  rows_ += keys_.size() - before;
  if (entries_.size() + keys_.size() * sizeof(Key) >= budget_) spill();
}

void RowSorter::sort() {
  std::ranges::sort(keys_, [](const Key& a, const Key& b) { return a.time != b.time ? a.time < b.time : a.at < b.at; });
}

void RowSorter::spill() {
  if (!file_) {
    errno = why_not_;
    fail("cannot create");
  }
  sort();
  const std::uint64_t begin = written_;
  std::string out;
  const auto flush = [&] {
    write_all(file_.get(), out.data(), out.size());
    written_ += out.size();
    out.clear();
  };
  for (const Key& key : keys_) {
    const RowHead head{key.time.ticks, key.at & 7};
    const char* entry = entries_.data() + (key.at >> 3);
    out.append(reinterpret_cast<const char*>(&head), sizeof head);
    out.append(entry, packed_size(entry));
    if (out.size() >= chunk) flush();
  }
  flush();
  runs_.push_back({begin, written_});
  entries_.clear();
  keys_.clear();
}

void RowSorter::each(const std::function<void(const Row&)>& take, const std::atomic<bool>* cancel) {
  std::uint64_t done = 0;
  const auto hand = [&](const Row& row) {
    if (++done % check_every == 0 && cancel != nullptr && *cancel) throw RunError(ExitCode::interrupted, "run", "stopped", "interrupted");
    take(row);
  };
  if (runs_.empty()) {
    sort();
    for (const Key& key : keys_) {
      Row row = unpack(entries_.data() + (key.at >> 3));
      row.time = key.time;
      row.which = static_cast<Which>(key.at & 7);
      hand(row);
    }
    return;
  }
  if (!keys_.empty()) spill();
  std::vector<std::unique_ptr<Reader>> readers;
  const auto later = [](const Reader* a, const Reader* b) { return a->after(*b); };
  std::priority_queue<Reader*, std::vector<Reader*>, decltype(later)> queue(later);
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    readers.push_back(std::make_unique<Reader>(file_.get(), runs_[i], i));
    if (readers.back()->next()) queue.push(readers.back().get());
  }
  while (!queue.empty()) {
    Reader* reader = queue.top();
    queue.pop();
    hand(reader->row());
    if (reader->next()) queue.push(reader);
  }
}

}  // namespace trimcarve::report
