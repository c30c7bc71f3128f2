// The functions that take a libbfio handle are declared only with this.
#define LIBREGF_HAVE_BFIO 1
#include "witness/hive.hpp"

#include <fmt/format.h>
#include <libregf.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <unordered_set>

#include "image/bfio.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/text.hpp"
#include "witness/hive_carve.hpp"
#include "witness/hive_cells.hpp"
#include "witness/hive_log.hpp"
#include "witness/hive_mend.hpp"
#include "witness/hive_rules.hpp"

namespace trimcarve::witness {

namespace {

struct Freer {
  void operator()(libregf_key_t* key) const { libregf_key_free(&key, nullptr); }
};
struct ValueFreer {
  void operator()(libregf_value_t* value) const { libregf_value_free(&value, nullptr); }
};
using Key = std::unique_ptr<libregf_key_t, Freer>;
using Value = std::unique_ptr<libregf_value_t, ValueFreer>;

// The hive's bytes, shared by libregf and the carver.
class Memory final : public ByteSource {
 public:
  explicit Memory(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  ByteView view() const noexcept { return bytes_; }
  std::span<std::byte> bytes() noexcept { return bytes_; }
  std::uint64_t size() const noexcept override { return bytes_.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(bytes_, offset, out.size())) return fail("past the end of the hive");
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size()) return {};
    return {{offset, std::min(length, size() - offset), ExtentKind::data}};
  }
  std::vector<Range> locate(std::uint64_t, std::uint64_t) const override { return {}; }

 private:
  std::vector<std::byte> bytes_;
};

class HiveReader {
 public:
  HiveReader(std::string_view path, const StatementSink& sink) : path_(path), sink_(sink) {}

  Tally read(const SourcePtr& given, const SourcePtr& log1, const SourcePtr& log2) {
    const HiveWithLogs hive = apply_hive_logs(given, log1, log2);
    note(hive.note);
    load(*hive.hive);
    const auto base = decode_base_block(bytes_->view());
    if (!base && !decode_bin_size(bytes_->view().subspan(std::min<std::size_t>(bytes_->size(), base_block_size)), 0)) {
      tally_.readable = false;
      tally_.note = "no registry hive: neither a base block nor a bin";
      return std::move(tally_);
    }
    embedded_name_ = base ? base->file_name : std::string();
    // libregf gets a hive it can be trusted with; the carver what is really there.
    const Mended mended = mend_hive(bytes_->bytes(), may_lead_to_topic);
    live();
    undo_mending(bytes_->bytes(), mended);
    tally_.damaged += mended.lists + mended.value_lists;
    if (mended.value_lists > 0)
      note(fmt::format("{} list{} of values shorter than stated", mended.value_lists, mended.value_lists == 1 ? "" : "s"));
    if (mended.lists > 0) note(fmt::format("{} broken list{} of subkeys left out", mended.lists, mended.lists == 1 ? "" : "s"));
    deleted();
    return std::move(tally_);
  }

 private:
  void note(const std::string& text) {
    if (text.empty()) return;
    if (!tally_.note.empty()) tally_.note += "; ";
    tally_.note += text;
  }

  void count(const Stated& stated) {
    tally_.emitted += stated.emitted;
    tally_.damaged += stated.damaged;
  }

  void load(const ByteSource& hive) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(hive.size(), most_hive)));
    std::vector<Unread> unread;
    read_tolerant(hive, 0, bytes, unread);
    for (const Unread& u : unread) tally_.gaps.add(u.offset, u.length, carvers::GapKind::unreadable);
    budget_ = bytes.size() * 4 + most_text;
    bytes_ = std::make_shared<Memory>(std::move(bytes));
  }

  // ---- what is linked, through libregf ----

  void live() {
    image::BfioHandle io;
    libregf_file_t* file = nullptr;
    const auto free_file = [](libregf_file_t* f) { libregf_file_free(&f, nullptr); };
    libregf_key_t* raw = nullptr;
    const bool opened = io.open(bytes_) && libregf_file_initialize(&file, nullptr) == 1 &&
                        libregf_file_open_file_io_handle(file, io.get(), LIBREGF_OPEN_READ, nullptr) == 1;
    const std::unique_ptr<libregf_file_t, decltype(free_file)> owner(file, free_file);
    if (!opened || libregf_file_get_root_key(file, &raw, nullptr) != 1) {
      ++tally_.damaged;
      kind_ = recognise_hive({}, embedded_name_, path_);
      note("libregf cannot open it: only carved");
      return;
    }
    const Key root(raw);
    std::vector<std::string> names;
    each_child(root.get(), [&](const Key& child) {
      if (const auto node = decode_key_node(record_at(cell_of(child.get())))) names.push_back(node->name);
    });
    kind_ = recognise_hive(names, embedded_name_, path_);
    KeyPath path;
    walk(root.get(), path);
  }

  template <class F>
  void each_child(libregf_key_t* key, F&& use) {
    int count = 0;
    if (libregf_key_get_number_of_sub_keys(key, &count, nullptr) != 1) {
      ++tally_.damaged;
      return;
    }
    int failed = 0;
    for (int i = 0; i < count; ++i) {
      libregf_key_t* raw = nullptr;
      const bool good = libregf_key_get_sub_key(key, i, &raw, nullptr) == 1;
      const Key child(raw);
      if (good) {
        use(child);
      } else {
        ++tally_.damaged;
        if (++failed == most_failures) return;
      }
    }
  }

  void walk(libregf_key_t* key, KeyPath& path) {
    each_child(key, [&](const Key& child) {
      // The name as mend_subkey_lists read it: only where that went may libregf go.
      const std::uint64_t cell = cell_of(child.get());
      const auto node = decode_key_node(record_at(cell));
      if (!node) {
        ++tally_.damaged;
        return;
      }
      path.push_back(node->name);
      if (may_lead_to_topic(path) && path.size() <= deepest_walk) {
        // A key met twice is a loop of damaged lists.
        if (visited_.insert(cell).second) {
          state(child.get(), path, cell);
          walk(child.get(), path);
        } else {
          ++tally_.damaged;
        }
      }
      path.pop_back();
    });
  }

  void state(libregf_key_t* key, const KeyPath& path, std::uint64_t cell) {
    ++tally_.records;
    HiveKey out;
    out.path = path;
    libregf_key_get_last_written_time(key, &out.last_write.ticks, nullptr);
    tally_.window.see(out.last_write);
    if (topic_of(path, true) == Topic::none) return;
    out.offset = cell;
    // walk() found a record there, so the cell begins inside. A linked key's cell is allocated, unless it is damaged.
    const auto raw = le<std::uint32_t>(bytes_->view(), cell);
    const std::uint64_t size = (raw & 0x80000000) != 0 ? 0x100000000 - raw : raw;
    out.length = std::min({size, most_cell, bytes_->size() - cell});
    read_values(key, out);
    if (out.cut) ++tally_.damaged;
    count(state_key(out, kind_, scratch_, sink_));
  }

  void read_values(libregf_key_t* key, HiveKey& out) {
    int count = 0;
    if (libregf_key_get_number_of_values(key, &count, nullptr) != 1) {
      out.cut = true;
      return;
    }
    int failed = 0;
    for (int i = 0; i < count; ++i) {
      if (budget_ < least_value) {
        out.cut = true;
        return;
      }
      budget_ -= least_value;
      libregf_value_t* raw = nullptr;
      const bool good = libregf_key_get_value(key, i, &raw, nullptr) == 1;
      const Value value(raw);
      if (!good || !read_value(value.get(), out.values.emplace_back())) {
        out.cut = true;
        if (good && out.values.back().name.empty() && out.values.back().data.empty()) out.values.pop_back();
        if (++failed == most_failures) return;
      }
    }
  }

  // False when it could be read only in part.
  bool read_value(libregf_value_t* value, HiveValue& out) {
    std::size_t size = 0;
    if (libregf_value_get_utf16_name_size(value, &size, nullptr) == 1 && size > 1 && size <= longest_name) {
      std::vector<std::uint16_t> name(size);
      if (libregf_value_get_utf16_name(value, name.data(), size, nullptr) == 1) out.name = text_of(name);
    }
    libregf_value_get_value_type(value, &out.type, nullptr);
    out.whole = false;
    size = 0;
    if (libregf_value_get_value_data_size(value, &size, nullptr) != 1 || size > std::min<std::uint64_t>(most_text, budget_)) return false;
    budget_ -= size;
    out.data.resize(size);
    if (size > 0 && libregf_value_get_value_data(value, reinterpret_cast<std::uint8_t*>(out.data.data()), size, nullptr) != 1) {
      out.data.clear();
      return false;
    }
    return out.whole = true;
  }

  static std::string text_of(const std::vector<std::uint16_t>& units) {
    std::u16string text(units.begin(), units.end());
    while (!text.empty() && text.back() == 0) text.pop_back();
    return to_utf8(text);
  }

  ByteView record_at(std::uint64_t cell) const {
    const ByteView all = bytes_->view();
    return cell + 4 < all.size() ? all.subspan(static_cast<std::size_t>(cell) + 4) : ByteView{};
  }

  std::uint64_t cell_of(libregf_key_t* key) const {
    off64_t offset = 0;
    // libregf gives the record, which stands behind its cell's header.
    if (libregf_key_get_offset(key, &offset, nullptr) != 1 || offset < 4) return 0;
    return static_cast<std::uint64_t>(offset) - 4;
  }

  // ---- what is not ----

  void deleted() {
    HiveCarveOptions options;
    std::uint64_t lost = 0;
    options.wanted = [&](const KeyPath& path, bool rooted, bool allocated, std::uint64_t offset) {
      return topic_of(path, rooted) != Topic::none && !(allocated && visited_.contains(offset));
    };
    options.key = [&](const HiveKey& key) {
      ++lost;
      count(state_key(key, kind_, scratch_, sink_));
    };
    options.loose_value = [&](const HiveValue& value, std::uint64_t offset, std::uint64_t length) {
      tally_.emitted += state_loose_value(value, offset, length, kind_, scratch_, sink_);
    };
    options.free_space = [&](std::uint64_t offset, ByteView bytes) {
      tally_.emitted += state_free_space(bytes, offset, kind_, scratch_, sink_);
    };
    const HiveCarveTally carved = carve_hive(bytes_->view(), options);
    tally_.records += carved.deleted_keys;
    tally_.damaged += carved.damaged;
    if (carved.window.first) tally_.window.see(*carved.window.first);
    if (carved.window.last) tally_.window.see(*carved.window.last);
    if (carved.deleted_keys > 0)
      note(fmt::format("{} deleted keys in {} unallocated bytes, {} of them of interest", carved.deleted_keys, carved.free_bytes, lost));
  }

  static constexpr int most_failures = 1000;  // children or values of one key that cannot be read, before the rest is given up
  static constexpr std::size_t deepest_walk = 64, longest_name = 65536;
  static constexpr std::uint64_t most_cell = 65536, least_value = 24;  // bytes of a value's cell

  std::string_view path_;
  const StatementSink& sink_;
  std::shared_ptr<Memory> bytes_;
  std::string embedded_name_;
  HiveKind kind_ = HiveKind::unknown;
  std::unordered_set<std::uint64_t> visited_;  // cells of live keys
  std::uint64_t budget_ = 0;                   // bytes of values that may still be read: lists may name the same value again and again
  Statement scratch_;
  Tally tally_;
};

}  // namespace

Tally read_hive(SourcePtr hive, SourcePtr log1, SourcePtr log2, std::string_view path, const StatementSink& sink) {
  return HiveReader(path, sink).read(hive, log1, log2);
}

}  // namespace trimcarve::witness
