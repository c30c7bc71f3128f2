#include "report/uco/graph.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <span>

#include "trimcarve/result.hpp"

namespace trimcarve::report {

namespace {

// RFC 9562, section 6.6: the name space of URLs.
constexpr std::array<unsigned char, 16> url_name_space{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                                       0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

// RFC 9562, section 5.5.
std::string uuid5(std::string_view name_space, std::string_view name) {
  const std::string text = std::string(name_space) + std::string(name);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1)
    throw RunError(ExitCode::output, "case.jsonld", "cannot make identifiers", "SHA-1 is not available");
  digest[6] = static_cast<unsigned char>((digest[6] & 0x0FU) | 0x50U);
  digest[8] = static_cast<unsigned char>((digest[8] & 0x3FU) | 0x80U);
  return {digest.begin(), digest.begin() + 16};
}

std::string urn(std::string_view uuid) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "urn:uuid:";
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    const auto byte = static_cast<unsigned char>(uuid[i]);
    text += digits[byte >> 4U];
    text += digits[byte & 0xFU];
  }
  return text;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> prefixes{
    {{"case-investigation", "https://ontology.caseontology.org/case/investigation/"},
     {"uco-action", "https://ontology.unifiedcyberontology.org/uco/action/"},
     {"uco-configuration", "https://ontology.unifiedcyberontology.org/uco/configuration/"},
     {"uco-core", "https://ontology.unifiedcyberontology.org/uco/core/"},
     {"uco-observable", "https://ontology.unifiedcyberontology.org/uco/observable/"},
     {"uco-tool", "https://ontology.unifiedcyberontology.org/uco/tool/"},
     {"uco-types", "https://ontology.unifiedcyberontology.org/uco/types/"},
     {"xsd", "http://www.w3.org/2001/XMLSchema#"}}};

constexpr FileTime year_10000{2'650'467'744'000'000'000};

}  // namespace

Graph::Graph(const Examination& examination, std::string_view seed, const Sink& sink)
    : x(examination),
      json_(sink),
      name_space_(uuid5({reinterpret_cast<const char*>(url_name_space.data()), url_name_space.size()}, fmt::format("trimcarve:{}", seed))) {
}

std::string Graph::id(std::string_view kind, std::initializer_list<std::uint64_t> numbers) const {
  return urn(uuid5(name_space_, fmt::format("{} {}", kind, fmt::join(numbers, " "))));
}

std::string Graph::space_id(std::uint32_t space) const { return id("space", {space}); }

void Graph::begin() {
  json_.begin_object();
  json_.key("@context").begin_object();
  for (const auto& [prefix, address] : prefixes) json_.key(prefix).value(address);
  json_.end_object();
  json_.new_line();
  json_.key("@graph").begin_array();
  json_.new_line();
}

void Graph::finish() {
  json_.end_array();
  json_.end_object();
  json_.end_line();
  json_.flush();
}

void Graph::node(std::string_view id, std::initializer_list<std::string_view> types) {
  json_.begin_object();
  json_.key("@id").value(id);
  json_.key("@type");
  if (types.size() == 1) return json_.value(*types.begin());
  json_.begin_array();
  for (const std::string_view type : types) json_.value(type);
  json_.end_array();
}

void Graph::top(std::string_view id, std::initializer_list<std::string_view> types) {
  json_.new_line();
  node(id, types);
}

void Graph::text(std::string_view property, std::string_view value) {
  if (!value.empty()) json_.key(property).value(value);
}

void Graph::time(std::string_view property, FileTime value) {
  if (value == no_time || value >= year_10000) return;
  json_.key(property).begin_object();
  json_.key("@type").value("xsd:dateTime");
  json_.key("@value").value(to_iso8601(value));
  json_.end_object();
}

void Graph::reference(std::string_view property, std::string_view id) {
  json_.key(property);
  reference(id);
}

void Graph::reference(std::string_view id) {
  json_.begin_object();
  json_.key("@id").value(id);
  json_.end_object();
}

void Graph::hashes(std::string_view owner, std::initializer_list<Hash> hashes) {
  bool begun = false;
  for (const Hash& hash : hashes) {
    if (hash.hex.empty()) continue;
    if (!begun) list("uco-observable:hash");
    begun = true;
    node(id(fmt::format("{} {}", hash.method, owner), {}), {"uco-types:Hash"});
    text("uco-types:hashMethod", hash.method);
    json_.key("uco-types:hashValue").begin_object();
    json_.key("@type").value("xsd:hexBinary");
    json_.key("@value").value(hash.hex);
    json_.end_object();
    end();
  }
  if (begun) end_list();
}

void Graph::begin_contained(std::string_view id, std::string_view source, std::string_view target) {
  top(id, {"uco-observable:ObservableRelationship"});
  reference("uco-core:source", source);
  reference("uco-core:target", target);
  text("uco-core:kindOfRelationship", "Contained_Within");
  flag("uco-core:isDirectional", true);
}

void Graph::contained(std::string_view id, std::string_view source, std::string_view target) {
  begin_contained(id, source, target);
  end();
}

void Graph::put_range(std::string_view relation, std::uint64_t offset, std::uint64_t length) {
  node(id(fmt::format("range of {}", relation), {}), {"uco-observable:DataRangeFacet"});
  number("uco-observable:rangeOffset", offset);
  number("uco-observable:rangeSize", length);
  end();
}

void Graph::contained(std::string_view id, std::string_view source, std::string_view target, std::uint64_t offset, std::uint64_t length) {
  begin_contained(id, source, target);
  list("uco-core:hasFacet");
  put_range(id, offset, length);
  end_list();
  end();
}

void Graph::contained(std::string_view kind, std::initializer_list<std::uint64_t> numbers, const std::vector<Range>& ranges) {
  const std::string source = id(kind, numbers);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const std::string relation = id(fmt::format("piece of {}", source), {i});
    begin_contained(relation, source, space_id(ranges[i].space));
    list("uco-core:hasFacet");
    put_range(relation, ranges[i].offset, ranges[i].length);
    // The nodes of a graph have no order of their own.
    if (ranges.size() > 1) {
      node(id(fmt::format("place of {}", relation), {}), {"uco-observable:FragmentFacet"});
      number("uco-observable:fragmentIndex", i);
      number("uco-observable:totalFragments", ranges.size());
      end();
    }
    end_list();
    end();
  }
}

}  // namespace trimcarve::report
