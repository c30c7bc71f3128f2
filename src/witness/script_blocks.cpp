#include "witness/script_blocks.hpp"

#include <algorithm>
#include <charconv>

namespace trimcarve::witness {

namespace {

std::string_view field(const Statement& statement, std::string_view name) {
  const auto found = std::ranges::find(statement.fields, name, &std::pair<std::string, std::string>::first);
  return found == statement.fields.end() ? std::string_view{} : std::string_view(found->second);
}

std::uint32_t number_of(std::string_view text) {  // 0 when it is none
  std::uint32_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && stop == text.data() + text.size() ? value : 0;
}

void note_time(ScriptBlock& block, FileTime time) {
  if (time == no_time) return;
  if (block.first_time == no_time || time < block.first_time) block.first_time = time;
  block.last_time = std::max(block.last_time, time);
}

// PowerShell cuts a script anywhere, also between the two halves of a character outside the BMP. Each half alone is written as \udXXX
// (trimcarve/text.hpp); at a seam the two are one character again.
void join(std::string& text, std::string_view next) {
  const auto half = [](std::string_view escape, std::string_view letters) -> std::uint32_t {
    std::uint32_t unit = 0;
    if (escape.size() != 6 || !escape.starts_with("\\ud") || letters.find(escape[3]) == std::string_view::npos) return 0;
    const auto [stop, error] = std::from_chars(escape.data() + 2, escape.data() + 6, unit, 16);
    return error == std::errc() && stop == escape.data() + 6 ? unit : 0;
  };
  const std::uint32_t high = text.size() < 6 ? 0 : half(std::string_view(text).substr(text.size() - 6), "89ab");
  const std::uint32_t low = high == 0 ? 0 : half(next.substr(0, 6), "cdef");
  if (low != 0) {
    const std::uint32_t c = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    text.resize(text.size() - 6);
    for (const std::uint32_t byte : {0xF0 | (c >> 18), 0x80 | ((c >> 12) & 0x3F), 0x80 | ((c >> 6) & 0x3F), 0x80 | (c & 0x3F)})
      text.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
    next.remove_prefix(6);
  }
  text += next;
}

}  // namespace

bool ScriptBlocks::take_room(std::size_t bytes) {
  if (bytes > room_) return false;
  room_ -= bytes;
  return true;
}

ScriptBlocks::Pending& ScriptBlocks::find(const Statement& statement, const std::string& id) {
  std::string key;
  for (const std::string* part : {&statement.event, &statement.computer, &statement.process_id, &id}) key += *part + '\0';
  const auto [place, fresh] = places_.try_emplace(std::move(key), pending_.size());
  if (fresh) pending_.emplace_back();
  return pending_[place->second];
}

void ScriptBlocks::add_part(Pending& pending, std::uint32_t part, const Statement& statement, std::uint32_t number) {
  ScriptBlock& block = pending.block;
  const auto held = pending.parts.find(part);
  if (held != pending.parts.end() && held->second.text == statement.text) {
    held->second.carved = held->second.carved && statement.carved;
    return;
  }
  const auto others = pending.contested.find(part);
  const bool known = others != pending.contested.end() && others->second.contains(statement.text);
  if (known && (statement.carved || !held->second.carved)) return;
  if (!take_room(statement.text.size())) {
    block.dropped = true;
    return;
  }
  Part fresh{statement.text, number, statement.carved};
  if (held == pending.parts.end()) {
    pending.parts.emplace(part, std::move(fresh));
    return;
  }
  if (held->second.carved && !statement.carved) std::swap(held->second, fresh);
  if (known) {
    others->second.erase(statement.text);
    room_ += statement.text.size();
  }
  pending.contested[part].try_emplace(std::move(fresh.text), fresh.number);
}

void ScriptBlocks::add(const Statement& statement, std::uint32_t number) {
  if (statement.deed != Deed::script_text) return;
  const std::string id(field(statement, "ScriptBlockId"));
  const std::uint32_t part = number_of(field(statement, "MessageNumber")), total = number_of(field(statement, "MessageTotal"));
  const bool placed = !id.empty() && part != 0 && part <= total;
  Pending& pending = placed ? find(statement, id) : pending_.emplace_back();
  ScriptBlock& block = pending.block;
  if (block.numbers.empty()) {
    block.id = id;
    block.computer = statement.computer;
    block.process_id = statement.process_id;
    block.total = placed ? total : 0;
  }
  if (block.path.empty()) block.path = statement.path;
  if (block.user.empty()) block.user = statement.user;
  note_time(block, statement.time);
  block.numbers.push_back(number);
  if (placed) {
    pending.totals.insert(total);
    block.total = std::max(total, block.total);
  }
  add_part(pending, placed ? part : 1, statement, number);
}

std::vector<ScriptBlock> ScriptBlocks::finish() {
  std::vector<ScriptBlock> blocks;
  blocks.reserve(pending_.size());
  for (Pending& pending : pending_) {
    ScriptBlock& block = pending.block;
    std::uint32_t next = 1;
    for (auto& [number, part] : pending.parts) {
      block.carved = block.carved || part.carved;
      if (number != next) block.missing.push_back({next, number - 1});
      if (number != next || block.stretches.empty()) {
        block.stretches.push_back({{number, number}, std::move(part.text)});
      } else {
        join(block.stretches.back().text, part.text);
        block.stretches.back().parts.last = number;
        part.text = {};
      }
      next = number + 1;
    }
    const std::uint32_t total = std::max<std::uint32_t>(block.total, 1);
    if (next != 0 && next <= total) block.missing.push_back({next, total});
    if (block.missing.empty()) {
      block.text = std::move(block.stretches.front().text);
      block.stretches.clear();
    }
    std::ranges::sort(block.numbers);
    pending.totals.erase(block.total);
    block.other_totals.assign(pending.totals.begin(), pending.totals.end());
    for (auto& [part, texts] : pending.contested) {
      const auto first = static_cast<std::ptrdiff_t>(block.contested.size());
      while (!texts.empty()) {
        auto text = texts.extract(texts.begin());
        block.contested.push_back({part, text.mapped(), std::move(text.key())});
      }
      std::ranges::sort(block.contested.begin() + first, block.contested.end(), {}, &ContestedPart::number);
    }
    blocks.push_back(std::move(block));
  }
  pending_.clear();
  places_.clear();
  return blocks;
}

}  // namespace trimcarve::witness
