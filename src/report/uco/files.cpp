// Files and fragments: what is known of each, what came back of it, and where in the evidence it lies.
#include <fmt/format.h>

#include "report/uco/graph.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

// Of UCO's RecoveredObjectStatusVocab. What TRIM zeroed is "overwritten" there, the nearest word that it has: the bytes are no longer the
// file's. The exact state is in the description.
std::string_view recovered_status(ContentState state) {
  switch (state) {
    case ContentState::recovered: return "recovered";
    case ContentState::partial: return "partially recovered";
    case ContentState::zeroed:
    case ContentState::reallocated:
    case ContentState::overwritten: return "overwritten";
    case ContentState::unreadable:
    case ContentState::unknown: return "unknown";
    case ContentState::none: return {};
  }
  return "unknown";
}

std::string extension_of(const std::string& name) {
  const auto dot = name.rfind('.');
  return dot == std::string::npos || dot == 0 ? std::string() : name.substr(dot + 1);
}

// A stream's numbers: the unnamed one of a file is the file itself.
struct StreamId {
  std::uint64_t file, stream;
  bool own_node;  // it has a name, and so a node
};

void put_exported(Graph& graph, StreamId id, std::uint64_t part, const std::string& path) {
  if (path.empty()) return;
  graph.property("uco-observable:dataPayloadReferenceURL");
  graph.node(graph.id("exported", {id.file, id.stream, part}), {"uco-observable:File"});
  graph.list("uco-core:hasFacet");
  graph.node(graph.id("exported facet", {id.file, id.stream, part}), {"uco-observable:FileFacet"});
  graph.text("uco-observable:fileName", std::string_view(path).substr(path.rfind('/') + 1));
  graph.text("uco-observable:filePath", path);
  graph.end();
  graph.end_list();
  graph.end();
}

// The whole came back, its parts without a gap: it was written as one file.
bool whole(const StreamReport& stream) {
  if (stream.state != ContentState::recovered) return false;
  std::uint64_t next = 0;
  for (const RecoveredPart& part : stream.parts) {
    if (part.file_offset != next) return false;
    next += part.length;
  }
  return next == stream.size;
}

void put_content(Graph& graph, const StreamReport& stream, StreamId id) {
  const std::string facet = graph.id("content", {id.file, id.stream});
  graph.node(facet, {"uco-observable:ContentDataFacet"});
  graph.number("uco-observable:sizeInBytes", stream.size);
  if (stream.encrypted) graph.flag("uco-observable:isEncrypted", true);
  graph.hashes(facet, {{"SHA256", stream.sha256}});
  if (whole(stream) && !stream.parts.empty()) put_exported(graph, id, 0, stream.parts.front().recovered_as);
  graph.end();
}

std::string content_words(const StreamReport& stream) {
  return fmt::format("content {}{}{}", to_string(stream.state), stream.why.empty() ? "" : ": ", stream.why);
}

// Where the parts lie; of a stream that is not whole, each part is a node of its own within it.
void put_parts(Graph& graph, const StreamReport& stream, StreamId id) {
  const std::string_view kind = id.own_node ? "stream" : "file";
  if (whole(stream)) {
    std::vector<Range> ranges;
    for (const RecoveredPart& part : stream.parts) ranges.insert(ranges.end(), part.ranges.begin(), part.ranges.end());
    if (id.own_node) return graph.contained(kind, {id.file, id.stream}, ranges);
    return graph.contained(kind, {id.file}, ranges);
  }
  for (std::size_t i = 0; i < stream.parts.size(); ++i) {
    const RecoveredPart& part = stream.parts[i];
    const std::string node = graph.id("part", {id.file, id.stream, i});
    graph.top(node, {"uco-observable:RecoveredObject", "uco-observable:ContentData"});
    if (part.offset_inferred) graph.text("uco-core:tag", "offset_inferred");
    graph.list("uco-core:hasFacet");
    graph.node(graph.id("part content", {id.file, id.stream, i}), {"uco-observable:ContentDataFacet"});
    graph.number("uco-observable:sizeInBytes", part.length);
    graph.hashes(node, {{"SHA256", part.sha256}});
    put_exported(graph, id, i, part.recovered_as);
    graph.end();
    graph.end_list();
    graph.end();
    graph.contained("part", {id.file, id.stream, i}, part.ranges);
    // Where it belongs in the stream.
    graph.contained(graph.id("part of", {id.file, id.stream, i}), node,
                    id.own_node ? graph.id(kind, {id.file, id.stream}) : graph.id(kind, {id.file}), part.file_offset, part.length);
  }
}

void put_stream(Graph& graph, const StreamReport& stream, StreamId id, FileState file) {
  const std::string node = graph.id("stream", {id.file, id.stream});
  const bool live = file == FileState::live;
  if (live)
    graph.top(node, {"uco-observable:AlternateDataStream", "uco-observable:FileSystemObject"});
  else
    graph.top(node, {"uco-observable:RecoveredObject", "uco-observable:AlternateDataStream", "uco-observable:FileSystemObject"});
  graph.text("uco-core:name", to_utf8(stream.name));
  graph.text("uco-core:description", content_words(stream));
  graph.list("uco-core:hasFacet");
  graph.node(graph.id("stream facet", {id.file, id.stream}), {"uco-observable:AlternateDataStreamFacet"});
  graph.text("uco-core:name", to_utf8(stream.name));
  graph.end();
  if (!live) {
    graph.node(graph.id("stream recovered", {id.file, id.stream}), {"uco-observable:RecoveredObjectFacet"});
    graph.text("uco-observable:nameRecoveredStatus", "recovered");
    graph.text("uco-observable:contentRecoveredStatus", recovered_status(stream.state));
    graph.end();
  }
  put_content(graph, stream, id);
  graph.end_list();
  graph.end();
}

void put_file_facets(Graph& graph, const FileReport& file, std::uint64_t i) {
  const std::string name = to_utf8(file.name);
  graph.node(graph.id("file facet", {i}), {"uco-observable:FileFacet"});
  graph.text("uco-observable:fileName", name);
  graph.text("uco-observable:filePath", to_utf8(file.path));
  if (!file.directory) graph.text("uco-observable:extension", extension_of(name));
  graph.flag("uco-observable:isDirectory", file.directory);
  if (file.size) graph.number("uco-observable:sizeInBytes", *file.size);
  if (file.state != FileState::unknown)
    graph.text("uco-observable:allocationStatus", file.state == FileState::live ? "allocated" : "unallocated");
  if (file.standard_information) {
    graph.time("uco-observable:observableCreatedTime", file.standard_information->created);
    graph.time("uco-observable:modifiedTime", file.standard_information->modified);
    graph.time("uco-observable:metadataChangeTime", file.standard_information->changed);
    graph.time("uco-observable:accessedTime", file.standard_information->accessed);
  }
  graph.end();

  if (file.reference_known || file.parent || file.file_name) {
    graph.node(graph.id("record facet", {i}), {"uco-observable:MftRecordFacet"});
    if (file.reference_known) graph.number("uco-observable:mftFileID", file.reference.entry());
    if (file.parent) graph.number("uco-observable:mftParentID", file.parent->entry());
    if (file.file_name) {
      graph.time("uco-observable:mftFileNameCreatedTime", file.file_name->created);
      graph.time("uco-observable:mftFileNameModifiedTime", file.file_name->modified);
      graph.time("uco-observable:mftFileNameRecordChangeTime", file.file_name->changed);
      graph.time("uco-observable:mftFileNameAccessedTime", file.file_name->accessed);
    }
    graph.end();
  }

  bool streams = false;
  for (std::size_t s = 0; s < file.streams.size(); ++s) {
    if (file.streams[s].name.empty()) continue;
    if (!streams) {
      graph.node(graph.id("NTFS facet", {i}), {"uco-observable:NTFSFileFacet"});
      if (file.reference_known) graph.number("uco-observable:entryID", file.reference.entry());
      graph.list("uco-observable:alternateDataStreams");
    }
    streams = true;
    graph.reference(graph.id("stream", {i, s}));
  }
  if (streams) {
    graph.end_list();
    graph.end();
  }
}

const StreamReport* unnamed_stream(const FileReport& file) {
  return !file.streams.empty() && file.streams.front().name.empty() ? &file.streams.front() : nullptr;
}

void put_recovered_facet(Graph& graph, const FileReport& file, std::uint64_t i) {
  const StreamReport* content = unnamed_stream(file);
  graph.node(graph.id("recovered facet", {i}), {"uco-observable:RecoveredObjectFacet"});
  graph.text("uco-observable:nameRecoveredStatus", file.name.empty() ? "unknown" : "recovered");
  graph.text("uco-observable:metadataRecoveredStatus", file.standard_information ? "recovered"
                                                       : file.file_name          ? "partially recovered"
                                                                                 : "unknown");
  if (content != nullptr)
    graph.text("uco-observable:contentRecoveredStatus", recovered_status(content->state));
  else if (!file.directory)
    graph.text("uco-observable:contentRecoveredStatus", "unknown");
  graph.end();
}

void put_dictionary(Graph& graph, std::string_view property, std::string_view kind, std::uint64_t i,
                    const std::vector<std::pair<std::string_view, std::string>>& entries) {
  graph.list(property);
  graph.node(graph.id(kind, {i}), {"uco-types:Dictionary"});
  graph.list("uco-types:entry");
  for (const auto& [key, value] : entries) {
    if (value.empty()) continue;
    graph.node(graph.id(fmt::format("{} {}", kind, key), {i}), {"uco-types:DictionaryEntry"});
    graph.text("uco-types:key", key);
    graph.text("uco-types:value", value);
    graph.end();
  }
  graph.end_list();
  graph.end();
  graph.end_list();
}

std::string time_text(FileTime time) { return time == no_time ? std::string() : to_iso8601(time); }

// UCO has no property for a file's deletion: an event with the interval in which it happened.
void put_deletion(Graph& graph, const FileReport& file, std::uint64_t i) {
  if (!file.deleted) return;
  const Bounds& bounds = file.deleted->bounds;
  graph.top(graph.id("deletion", {i}), {"uco-core:Event"});
  graph.text("uco-core:eventType", "deletion");
  graph.time("uco-core:startTime", bounds.earliest);
  graph.time("uco-core:endTime", bounds.latest);
  graph.list("uco-core:eventContext");
  graph.reference(graph.id("file", {i}));
  graph.end_list();
  std::vector<std::pair<std::string_view, std::string>> entries{{"earliest_basis", bounds.earliest_basis},
                                                                {"latest_basis", bounds.latest_basis}};
  if (file.deleted->estimate) {
    entries.emplace_back("estimate_earliest", time_text(file.deleted->estimate->earliest));
    entries.emplace_back("estimate_latest", time_text(file.deleted->estimate->latest));
    entries.emplace_back("estimate_method", file.deleted->estimate->method);
  }
  put_dictionary(graph, "uco-core:eventAttribute", "deletion attribute", i, entries);
  graph.end();
}

void put_file(Graph& graph, const FileReport& file, std::uint64_t i) {
  const std::string id = graph.id("file", {i});
  const std::string_view type = file.directory ? "uco-observable:Directory" : "uco-observable:File";
  if (file.state == FileState::live)
    graph.top(id, {type});
  else
    graph.top(id, {"uco-observable:RecoveredObject", type});
  graph.text("uco-core:name", to_utf8(file.name));
  graph.list("uco-core:description");
  if (file.reference_known)
    graph.value(fmt::format("FILE record {}, sequence number {}", file.reference.entry(), file.reference.sequence()));
  if (!file.path_known) graph.value("only a part of its path is known");
  graph.value(fmt::format("path {}{}{}", to_string(file.path_grade), file.path_note.empty() ? "" : ": ", file.path_note));
  const StreamReport* content = unnamed_stream(file);
  if (content != nullptr) graph.value(content_words(*content));
  graph.end_list();
  if (!file.flags.empty()) {
    graph.list("uco-core:tag");
    for (const std::string& flag : file.flags) graph.value(flag);
    graph.end_list();
  }
  graph.list("uco-core:hasFacet");
  put_file_facets(graph, file, i);
  if (file.state != FileState::live) put_recovered_facet(graph, file, i);
  if (content != nullptr) put_content(graph, *content, {i, 0, false});
  graph.end_list();
  graph.end();

  graph.contained(graph.id("file in volume", {i}), id, graph.id("volume", {file.volume}));
  for (std::size_t s = 0; s < file.streams.size(); ++s) {
    const StreamId stream{i, s, !file.streams[s].name.empty()};
    if (stream.own_node) put_stream(graph, file.streams[s], stream, file.state);
    put_parts(graph, file.streams[s], stream);
  }
  put_deletion(graph, file, i);
}

void put_fragment(Graph& graph, const FragmentReport& fragment, std::uint64_t i) {
  const std::string id = graph.id("fragment", {i});
  graph.top(id, {"uco-observable:RecoveredObject", "uco-observable:ContentData"});
  graph.text("uco-core:name", fmt::format("fragment {}: {}", i, fragment.language));
  graph.text("uco-core:description", fmt::format("text found by what it says, in {}; stored as {}", fragment.place, fragment.encoding));
  graph.list("uco-core:hasFacet");
  graph.node(graph.id("fragment content", {i}), {"uco-observable:ContentDataFacet"});
  graph.number("uco-observable:sizeInBytes", fragment.text.size());
  graph.hashes(id, {{"SHA256", fragment.sha256}});
  if (!fragment.recovered_as.empty()) put_exported(graph, {i, ~std::uint64_t{0}, false}, 0, fragment.recovered_as);
  graph.end();
  graph.end_list();
  graph.end();
  graph.contained("fragment", {i}, fragment.ranges);
}

}  // namespace

void put_files_graph(Graph& graph) {
  for (std::size_t i = 0; i < graph.x.files.size(); ++i) put_file(graph, graph.x.files[i], i);
  for (std::size_t i = 0; i < graph.x.fragments.size(); ++i) put_fragment(graph, graph.x.fragments[i], i);
}

}  // namespace trimcarve::report
