// The graph of case.jsonld: nodes of CASE and UCO, written as they are made, one top-level node a line.
//
// Identifiers are name-based UUIDs (RFC 9562, version 5) in a name space of the examination's own, so that the same findings give the same
// bytes, and two examinations never share a node whose properties they could contradict each other in.
// Terms: https://ontology.unifiedcyberontology.org and https://ontology.caseontology.org, version 1.5.0.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "report/json_writer.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::report {

class Graph {
 public:
  // `seed`: what tells this examination from all others.
  Graph(const Examination& examination, std::string_view seed, const Sink& sink);
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  const Examination& x;

  // The identifier of the thing of this kind and number; the same for the same arguments.
  std::string id(std::string_view kind, std::initializer_list<std::uint64_t> numbers) const;
  // The node in which the bytes of a range lie: the disk, or an input file.
  std::string space_id(std::uint32_t space) const;

  void begin();   // the document, its context, and the list of nodes
  void finish();  // the ends of both

  // A node: at the top level; as the value of a property, or in a list. end() ends both.
  void top(std::string_view id, std::initializer_list<std::string_view> types);
  void node(std::string_view id, std::initializer_list<std::string_view> types);
  void end() { json_.end_object(); }
  void list(std::string_view property) { json_.key(property).begin_array(); }
  void end_list() { json_.end_array(); }
  void property(std::string_view name) { json_.key(name); }

  // Properties. Nothing is written for an empty text, no time, or a time that xsd:dateTime readers do not take (after the year 9999).
  void text(std::string_view property, std::string_view value);
  void number(std::string_view property, std::uint64_t value) { json_.key(property).value(value); }
  void number(std::string_view property, std::int64_t value) { json_.key(property).value(value); }
  void flag(std::string_view property, bool value) { json_.key(property).value(value); }
  void time(std::string_view property, FileTime value);
  void time(std::string_view property, const std::optional<FileTime>& value) { time(property, value.value_or(no_time)); }
  void reference(std::string_view property, std::string_view id);
  void reference(std::string_view id);  // in a list
  void value(std::string_view text) { json_.value(text); }

  // types:Hash nodes in observable:hash; nothing for an empty value.
  struct Hash {
    std::string_view method, hex;
  };
  void hashes(std::string_view owner, std::initializer_list<Hash> hashes);

  // Observable relationships Contained_Within: of the whole, at a byte range of the target, or at ranges of the disk and the input files,
  // numbered when there are several. `kind` and `numbers` name the source of the latter, as in id().
  void contained(std::string_view id, std::string_view source, std::string_view target);
  void contained(std::string_view id, std::string_view source, std::string_view target, std::uint64_t offset, std::uint64_t length);
  void contained(std::string_view kind, std::initializer_list<std::uint64_t> numbers, const std::vector<Range>& ranges);

 private:
  void begin_contained(std::string_view id, std::string_view source, std::string_view target);
  void put_range(std::string_view relation, std::uint64_t offset, std::uint64_t length);

  JsonWriter json_;
  std::string name_space_;  // 16 bytes
};

// The parts of the graph.
void put_inputs_graph(Graph& graph, const std::vector<std::string>& command);
void put_files_graph(Graph& graph);
void put_targets_graph(Graph& graph);
void put_provenance_graph(Graph& graph);

}  // namespace trimcarve::report
