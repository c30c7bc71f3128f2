// Tells what each log record does to a file. For the log_file carver only.
#pragma once

#include <map>
#include <vector>

#include "carvers/log_context.hpp"
#include "carvers/log_file.hpp"
#include "carvers/log_models.hpp"
#include "ntfs/index.hpp"

namespace trimcarve::carvers {

class LogEvents {
 public:
  LogEvents(LogContext& context, const LogFileOptions& options) : context_(context), options_(options) {}

  // All of them in LSN order, from the start: one call of step for each index.
  void step(std::size_t index, const LogEventSink& sink);
  // Only what `step(index)` emits, after the steps that lead to it. Forgets all models.
  void only(std::size_t index, const LogEventSink& sink);

  // The FILE record after all its steps. Forgets all models.
  std::optional<LogRecordImage> image_of(std::uint64_t entry);

  std::uint64_t events = 0, sightings = 0, targets_unknown = 0, models_lost = 0, numbers_differ = 0;
  LogTimes dated;
  std::vector<LogDeletion> deletions;

 private:
  struct RecordState {
    RecordModel model;
    std::uint32_t breaks = 0;     // when it began
    std::uint64_t image_lsn = 0;  // of its image
  };

  struct NodeState {
    NodeModel model;
    std::uint32_t breaks = 0;  // when it was last changed
  };
  NodeModel* node_of(const LogStructure& structure);

  // Where data of the record in hand lies: redo or undo, and its offset in the client data.
  struct Data {
    ByteView bytes;
    std::uint64_t at = 0;
    bool before = false;
    std::uint64_t length = 0;  // as stated: the bytes may be missing
  };
  Data redo() const noexcept { return {item_.record->redo, item_.record->redo_offset, false, item_.record->redo_length}; }
  Data undo() const noexcept { return {item_.record->undo, item_.record->undo_offset, true, item_.record->undo_length}; }

  void file_record_step();
  void attribute_data_step();
  void record_image(LogEventKind kind, const Data& data);
  void deallocation();
  void attribute(LogEventKind kind, const Data& data);
  void value_update(const std::optional<ntfs::Attribute>& attribute);
  void standard_information(const Data& data, ByteView value, std::uint32_t in_value);
  void data_value(const Data& data, const ntfs::Attribute& attribute, std::uint64_t other_length);
  void stream_step(LogEventKind kind, const std::optional<ntfs::Attribute>& before);
  void index_entry(LogEventKind kind, const Data& data, const Place& place);
  void index_entries(const Data& data, const ntfs::IndexNode& node);
  void loose_entries(const Data& data);
  void file_name_update(ByteView entry);
  void index_block(const Data& data);
  void usn_records(const Data& data, std::uint64_t in_stream);
  void bits(const LogTarget& target);

  Sighting& begin(const Place& place);
  void content(const Data& data, StreamFact& stream);
  void fragments(std::uint64_t at, ByteView bytes, std::uint64_t file_offset);
  void emit(LogEventKind kind, bool before, const Sighting* sighting);
  Place whole() const noexcept { return item_.whole; }
  Place place_of(const Data& data) const noexcept { return data.before ? item_.place_of(data.at, data.bytes.size()) : item_.whole; }
  // The model is of the file that has the record now.
  bool model_holds() const;
  void set_reference_of_model();
  void see_time(FileTime time, LogTimeBasis basis) { dated.see({item_.at.lsn, time, basis}); }

  LogContext& context_;
  const LogFileOptions& options_;
  const LogEventSink* sink_ = nullptr;  // null: only the models follow

  // The record in hand.
  std::size_t index_ = 0;
  LogItem item_;
  LogEvent event_;
  std::optional<std::uint64_t> entry_;
  RecordState* state_ = nullptr;
  NodeModel* node_ = nullptr;
  const LogTarget* target_ = nullptr;
  Sighting scratch_;
  std::vector<std::uint64_t> emitted_;  // offsets of the places of its sightings
  std::uint32_t event_base_ = 0;        // added to an entry's offset in its buffer: log records count it from the attribute or the block

  std::map<std::uint64_t, RecordState> records_;  // by entry
  std::map<LogStructure, NodeState> nodes_;
};

}  // namespace trimcarve::carvers
