#include "witness/binary_xml.hpp"

#include <array>
#include <optional>
#include <span>

namespace trimcarve::witness {

namespace {

// Far more than Windows writes: its events nest five deep and have at most some hundred values.
constexpr int most_depth = 40;
constexpr std::uint32_t most_values = 1024;
constexpr std::uint64_t most_cost = std::uint64_t{8} << 20;  // bytes of text, roughly
constexpr std::uint64_t node_cost = 64;

enum Token : std::uint8_t {
  end_of_file = 0x00,
  open_start_element = 0x01,
  close_start_element = 0x02,
  close_empty_element = 0x03,
  end_element = 0x04,
  value = 0x05,
  attribute = 0x06,
  cdata = 0x07,
  character_reference = 0x08,
  entity_reference = 0x09,
  template_instance = 0x0C,
  normal_substitution = 0x0D,
  optional_substitution = 0x0E,
  fragment_header = 0x0F,
  has_more = 0x40,  // a flag: attributes follow, or further values
};

constexpr std::uint8_t null_type = 0x00, string_type = 0x01, byte_string_type = 0x02, binary_type = 0x0E, size_type = 0x10, sid_type = 0x13,
                       xml_type = 0x21, array_flag = 0x80;

// Width of the value types of fixed size, 0 for the others: 0x03 (8-bit integer) to 0x15 (64-bit hex).
constexpr std::uint32_t width_of(std::uint8_t type) {
  constexpr std::array<std::uint8_t, 0x16> widths{0, 0, 0, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 4, 0, 16, 0, 8, 16, 0, 4, 8};
  return type < widths.size() ? widths[type] : 0;
}

// A template instance's values: where their definitions stand, and the values behind them.
struct Values {
  std::uint64_t definitions = 0, data = 0;
  std::uint32_t count = 0;
};

// Follows what libevtx will follow, in its order. Each function takes the offset of a token and returns where the next one stands, or
// nothing when the record must not be read.
class Check {
 public:
  Check(ByteView chunk, std::vector<TextSpan>* texts) : chunk_(chunk), texts_(texts) {}

  using End = std::optional<std::uint64_t>;

  std::uint64_t document(std::uint64_t at) {  // behind its end token, 0 when it is not sound
    while (at < chunk_.size()) {
      if (byte(at) == end_of_file) return at + 1;
      const End next = fragment(at, true, nullptr, 0);
      if (!next) break;
      at = *next;
    }
    return 0;
  }

 private:
  std::uint8_t byte(std::uint64_t at) const { return static_cast<std::uint8_t>(chunk_[static_cast<std::size_t>(at)]); }
  std::uint8_t token(std::uint64_t at) const { return byte(at) & static_cast<std::uint8_t>(~has_more); }
  bool spend(std::uint64_t cost) { return (cost_ += cost) <= most_cost; }

  End fragment(std::uint64_t at, bool dependencies, const Values* values, int depth) {
    if (!fits(chunk_, at, 5) || byte(at) != fragment_header) return std::nullopt;
    at += 4;
    return token(at) == open_start_element  ? element(at, dependencies, values, depth)
           : token(at) == template_instance ? instance(at, dependencies, depth)
                                            : std::nullopt;
  }

  End instance(std::uint64_t at, bool dependencies, int depth) {
    if (depth >= most_depth || !fits(chunk_, at, 11)) return std::nullopt;
    const std::uint64_t definition = le<std::uint32_t>(chunk_, at + 6);
    at += 10;
    if (definition > at || !fits(chunk_, definition, 24 + 5)) return std::nullopt;
    const std::uint64_t size = le<std::uint32_t>(chunk_, definition + 20);
    const bool here = definition == at;
    Values values;
    values.definitions = at + (here ? 24 + size : 0);
    if (!fits(chunk_, values.definitions, 5)) return std::nullopt;
    values.count = le<std::uint32_t>(chunk_, values.definitions);
    values.definitions += 4;
    if (values.count > most_values || !fits(chunk_, values.definitions, std::uint64_t{values.count} * 4 + 1)) return std::nullopt;
    values.data = values.definitions + std::uint64_t{values.count} * 4;
    std::uint64_t end = values.data;
    for (std::uint32_t i = 0; i < values.count; ++i) end += le<std::uint16_t>(chunk_, values.definitions + std::uint64_t{i} * 4);
    if (!fits(chunk_, end, 1)) return std::nullopt;
    const std::uint64_t body = definition + 24;
    if (byte(body) != fragment_header || token(body + 4) != open_start_element) return std::nullopt;
    const End close = element(body + 4, dependencies, &values, depth + 1);
    if (!close || !fits(chunk_, *close, 1) || byte(*close) != end_of_file) return std::nullopt;
    if (here && *close + 1 != body + size) return std::nullopt;
    return end;
  }

  // A name, shared (before `at`) or standing right here: the offset behind it when it stands here, else `at`.
  End name(std::uint64_t name_at, std::uint64_t at) {
    if (name_at > at || !fits(chunk_, name_at, 8)) return std::nullopt;
    const std::uint64_t length = (le<std::uint16_t>(chunk_, name_at + 6) + std::uint64_t{1}) * 2;
    if (!fits(chunk_, name_at + 8, length) || !spend(length)) return std::nullopt;
    return name_at == at ? at + 8 + length : at;
  }

  End element(std::uint64_t at, bool dependencies, const Values* values, int depth) {
    const std::uint64_t head = dependencies ? 3 : 1;
    if (depth >= most_depth || !fits(chunk_, at, head + 8) || !spend(node_cost)) return std::nullopt;
    const std::uint64_t before = cost_;
    const bool attributes = (byte(at) & has_more) != 0;
    const std::uint64_t end = at + head + 4 + le<std::uint32_t>(chunk_, at + head);
    if (end > chunk_.size()) return std::nullopt;
    at += head + 8;
    End next = name(le<std::uint32_t>(chunk_, at - 4), at);
    if (!next) return std::nullopt;
    at = *next;
    std::uint64_t repeats = 1;  // an element with an array is read once for each of its items
    if (attributes) {
      if (!fits(end, at, 4)) return std::nullopt;
      const std::uint64_t list_end = at + 4 + le<std::uint32_t>(chunk_, at);
      if (list_end > end) return std::nullopt;
      for (at += 4; at < list_end; at = *next)
        if (next = one_attribute(at, dependencies, values, depth); !next) return std::nullopt;
      if (at != list_end) return std::nullopt;
    }
    if (at >= end) return std::nullopt;
    if (byte(at) == close_empty_element) {
      ++at;
    } else if (byte(at++) == close_start_element) {
      for (bool open = true; open && at < end; at = *next) {
        open = byte(at) != close_empty_element && byte(at) != end_element;
        if (next = content(at, dependencies, values, depth, repeats); !next) return std::nullopt;
      }
    } else {
      return std::nullopt;
    }
    if (at != end) return std::nullopt;
    if (repeats > 1 && ((cost_ - before) > most_cost / repeats || !spend((cost_ - before) * repeats))) return std::nullopt;
    return at;
  }

  End content(std::uint64_t at, bool dependencies, const Values* values, int depth, std::uint64_t& repeats) {
    switch (token(at)) {
      case open_start_element: return element(at, dependencies, values, depth + 1);
      case close_empty_element:
      case end_element: return at + 1;
      case value: return text(at, 4, 2);
      case cdata: return text(at, 3, 1);
      case character_reference: return fits(chunk_, at, 3) && spend(node_cost) ? End(at + 3) : std::nullopt;
      case entity_reference:
        if (!fits(chunk_, at, 5) || !spend(node_cost)) return std::nullopt;
        return name(le<std::uint32_t>(chunk_, at + 1), at + 5);
      case normal_substitution:
      case optional_substitution: return substitution(at, dependencies, values, depth, repeats);
      default: return std::nullopt;
    }
  }

  End text(std::uint64_t at, std::uint64_t head, std::uint64_t length_at) {
    if (!fits(chunk_, at, head) || (head == 4 && byte(at + 1) != string_type)) return std::nullopt;
    const std::uint64_t length = std::uint64_t{le<std::uint16_t>(chunk_, at + length_at)} * 2;
    if (!fits(chunk_, at + head, length) || !spend(node_cost + 3 * length)) return std::nullopt;
    return at + head + length;
  }

  End one_attribute(std::uint64_t at, bool dependencies, const Values* values, int depth) {
    if (!fits(chunk_, at, 5) || token(at) != attribute || !spend(node_cost)) return std::nullopt;
    const End next = name(le<std::uint32_t>(chunk_, at + 1), at + 5);
    if (!next || !fits(chunk_, *next, 1)) return std::nullopt;
    if (token(*next) == value) return text(*next, 4, 2);
    std::uint64_t repeats = 1;
    if (token(*next) != normal_substitution && token(*next) != optional_substitution) return std::nullopt;
    const End end = substitution(*next, dependencies, values, depth, repeats);
    return repeats == 1 ? end : std::nullopt;  // an array has no meaning here
  }

  End substitution(std::uint64_t at, bool dependencies, const Values* values, int depth, std::uint64_t& repeats) {
    if (values == nullptr || !fits(chunk_, at, 4)) return std::nullopt;
    const auto index = le<std::uint16_t>(chunk_, at + 1);
    if (index >= values->count) return std::nullopt;
    std::uint64_t data = values->data;
    for (std::uint32_t i = 0; i < index; ++i) data += le<std::uint16_t>(chunk_, values->definitions + std::uint64_t{i} * 4);
    const std::uint32_t size = le<std::uint16_t>(chunk_, values->definitions + std::uint64_t{index} * 4);
    const std::uint8_t type = byte(values->definitions + std::uint64_t{index} * 4 + 2);
    const End next = at + 4;
    if (type == null_type) return next;
    if (!spend(node_cost + 3 * std::uint64_t{size})) return std::nullopt;
    if (type == xml_type) return nested(data, dependencies, values, depth) ? next : std::nullopt;
    const std::uint8_t item = type & static_cast<std::uint8_t>(~array_flag);
    if (item == string_type && texts_ != nullptr) texts_->push_back({static_cast<std::uint32_t>(data), size, (type & array_flag) != 0});
    const std::uint32_t width = width_of(item);
    if ((type & array_flag) == 0) {
      const bool good = type == string_type        ? size % 2 == 0
                        : type == byte_string_type ? true
                        : type == binary_type      ? true
                        : type == size_type        ? size == 4 || size == 8
                        : type == sid_type         ? size >= 8 && size == 8 + 4U * byte(data + 1)
                                                   : width != 0 && size == width;
      return good ? next : std::nullopt;
    }
    if (repeats != 1 || size == 0) return std::nullopt;  // libevtx keeps one place for all arrays of an element
    if (item == string_type || item == byte_string_type)
      repeats = items(data, size, item == string_type ? 2 : 1);
    else if (width != 0 && size % width == 0)
      repeats = size / width;
    else
      return std::nullopt;
    return next;
  }

  std::uint64_t items(std::uint64_t data, std::uint32_t size, std::uint32_t unit) const {  // strings, each with its zero
    std::uint64_t count = 1;
    for (std::uint32_t i = 0; i + unit <= size; i += unit) count += byte(data + i) == 0 && byte(data + i + unit - 1) == 0 ? 1U : 0U;
    return count;
  }

  bool nested(std::uint64_t at, bool dependencies, const Values* values, int depth) {
    if (!fits(chunk_, at, 1)) return false;
    switch (token(at)) {
      case open_start_element: return element(at, false, values, depth + 1).has_value();
      case fragment_header: return fragment(at, dependencies, nullptr, depth + 1).has_value();
      case template_instance: return instance(at, dependencies, depth + 1).has_value();
      default: return false;
    }
  }

  ByteView chunk_;
  std::vector<TextSpan>* texts_;
  std::uint64_t cost_ = 0;
};

}  // namespace

std::uint64_t end_of_binary_xml(ByteView chunk, std::uint64_t offset, std::vector<TextSpan>* texts) {
  return Check(chunk, texts).document(offset);
}

}  // namespace trimcarve::witness
