#include "findings/orphan_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "findings/ascii.hpp"
#include "findings/sealed.hpp"
#include "findings/settings.hpp"

namespace trimcarve::findings {

namespace {

constexpr std::size_t most_orphan_runs = 256, most_loose = 256, most_cited = 1024;
// What two envelopes for one certificate have in common stands at their beginning: version, issuer, serial number, algorithms. Behind it
// the encrypted key differs in each. So a piece that is cut must reach well into that to be of the same envelope.
constexpr std::size_t least_of_envelope = 512;  // characters of base64
constexpr std::size_t least_of_command = 24;    // of one that is cut

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
  return text;
}

// Nothing: one of them says nothing of it.
using Same = std::optional<bool>;

// An escaped slash is a slash.
std::string plain(std::string_view envelope) {
  std::string out;
  for (const char c : envelope)
    if (c != '\\' && c != ' ' && c != '\r' && c != '\n' && c != '\t') out += c;
  return out;
}

Same same_envelope(const RunRecord& run, const Settings& settings) {
  if (!run.sealed || settings.sealed.empty()) return std::nullopt;
  const std::string a = plain(run.sealed->envelope), b = plain(settings.sealed);
  if (a == b) return true;
  const std::size_t both = std::min(a.size(), b.size());
  return both >= least_of_envelope && std::string_view(a).substr(0, both) == std::string_view(b).substr(0, both);
}

Same same_command(const RunRecord& run, const Settings& settings) {
  // What was taken out of the sealed settings is not what stands in clear.
  if (run.command.empty() || settings.command.empty() || (run.sealed && run.sealed->opened && run.command == run.sealed->command))
    return std::nullopt;
  const std::string_view a = trimmed(run.command), b = trimmed(settings.command);
  if (a == b) return true;
  if (settings.command_cut && b.size() >= least_of_command) return a.starts_with(b);
  if (run.command_cut && a.size() >= least_of_command) return b.starts_with(a);
  return false;
}

Same same_uris(const RunRecord& run, const Settings& settings) {
  if (run.file_uris.empty() || settings.file_uris.empty()) return std::nullopt;
  if (settings.whole) return run.file_uris == settings.file_uris;
  return settings.file_uris.size() <= run.file_uris.size() &&
         std::equal(settings.file_uris.begin(), settings.file_uris.end(), run.file_uris.begin());
}

bool same_request(const RunRecord& run, const Settings& settings) {
  const Same envelope = same_envelope(run, settings), command = same_command(run, settings), uris = same_uris(run, settings);
  for (const Same& s : {envelope, command, uris})
    if (s && !*s) return false;
  if (settings.whole && !settings.has_protected && run.protected_settings.value_or(false)) return false;
  return envelope || command || (uris && settings.command.empty());
}

bool has(const Profile& profile, std::u16string_view handler) {
  return profile.handlers.empty() || std::ranges::find(profile.handlers, handler) != profile.handlers.end();
}

// Do these keys tell of one of the profile's handlers? Source: Microsoft's documentation of each extension's settings.
bool tells_handler(const Profile& profile, const Statement& statement, const Settings& settings) {
  const std::string text = lower_ascii(statement.settings + statement.text);
  const auto stands = [&](std::string_view key) { return text.find("\"" + std::string(key) + "\"") != std::string::npos; };
  const bool says = !settings.command.empty() || !settings.file_uris.empty();
  if (says && has(profile, u"Microsoft.Compute.CustomScriptExtension") && (stands("commandtoexecute") || stands("fileuris"))) return true;
  return says && has(profile, u"Microsoft.CPlat.Core.RunCommandWindows") && stands("script");
}

class Orphans {
 public:
  Orphans(const Profile& profile, const Hearing& hearing, const witness::Certificate* key, std::vector<RunRecord>& runs,
          std::vector<LooseEnvelope>& loose)
      : profile_(profile), hearing_(hearing), key_(key), runs_(runs), loose_(loose) {}

  void run() {
    for (const bool status : {false, true})  // a run that only its settings tell of may have its outcome
      for (std::size_t i = 0; i < hearing_.all.size(); ++i) {
        const Heard& heard = hearing_.all[i];
        const Statement& s = heard.statement;
        if (heard.source != SourceKind::agent_log || !s.carved || !s.handler.empty()) continue;
        if (!status && s.deed == Deed::configured && s.event == "settings") take_settings(i, heard);
        if (status && s.deed == Deed::status && s.event == "status") take_status(i, heard);
      }
  }

 private:
  static bool of_volume(const RunRecord& run, const Heard& heard) { return !heard.volume || run.volume == *heard.volume; }

  void cite(std::size_t n, std::vector<std::uint32_t>& sightings) const {
    if (sightings.size() >= most_cited) return;
    const std::uint32_t number = hearing_.cite(n);
    if (std::ranges::find(sightings, number) == sightings.end()) sightings.push_back(number);
  }

  void take_settings(std::size_t n, const Heard& heard) {
    const Statement& s = heard.statement;
    Settings settings = read_settings(s.settings.empty() ? s.text : s.settings).value_or(Settings{});
    for (const auto& [name, value] : s.fields)
      if (same_ascii(name, "protectedSettings") && settings.sealed.empty()) settings.sealed = value, settings.has_protected = true;
    bool joined = false;
    for (RunRecord& run : runs_) {
      if (!of_volume(run, heard) || !same_request(run, settings)) continue;
      joined = true;  // two requests with the same settings have the same content: it is either's
      cite(n, run.sightings);
      fill(settings, run);
    }
    if (joined) return;
    RunRecord made;
    made.volume = heard.volume.value_or(no_volume);
    fill(settings, made);
    bool ours = tells_handler(profile_, s, settings);
    if (!ours && made.sealed && key_ != nullptr) {
      RunRecord opened = made;
      open_sealed({&opened, 1}, key_);
      Statement inside;
      inside.settings = opened.sealed->text;
      ours = opened.sealed->opened && tells_handler(profile_, inside, read_settings(opened.sealed->text).value_or(Settings{}));
    }
    if (ours) {
      if (orphan_runs_++ >= most_orphan_runs) return;
      cite(n, made.sightings);
      runs_.push_back(std::move(made));
    } else if (made.sealed) {
      take_loose(n, std::move(made));
    }
  }

  // Only what is not known already.
  static void fill(const Settings& settings, RunRecord& run) {
    if (run.command.empty() && !settings.command.empty()) run.command = settings.command, run.command_cut = settings.command_cut;
    if (run.command_cut && !settings.command_cut && settings.command.starts_with(run.command))
      run.command = settings.command, run.command_cut = false;
    if (run.file_uris.empty()) run.file_uris = settings.file_uris;
    if (!run.protected_settings && (settings.whole || settings.has_protected)) run.protected_settings = settings.has_protected;
    if (run.certificate_thumbprint.empty()) run.certificate_thumbprint = settings.thumbprint;
    if (settings.sealed.empty()) return;
    if (!run.sealed || (run.sealed->recipients.empty() && plain(run.sealed->envelope).size() < plain(settings.sealed).size()))
      run.sealed = SealedSettings{.envelope = settings.sealed};
  }

  void take_loose(std::size_t n, RunRecord&& made) {
    const std::string envelope = plain(made.sealed->envelope);
    const auto [slot, is_new] = loose_of_.try_emplace(envelope, loose_.size());
    if (!is_new) return cite(n, loose_[slot->second].sightings);
    if (loose_.size() >= most_loose) {
      loose_of_.erase(slot);
      return;
    }
    LooseEnvelope& out = loose_.emplace_back();
    cite(n, out.sightings);
    const auto read = witness::read_envelope(made.sealed->envelope);
    std::string about;
    if (!read) {
      about = fmt::format("{} characters of base64, of which the envelope's beginning is lost", envelope.size());
    } else {
      about = fmt::format("{} bytes of a CMS envelope{}, {}", read->der.size(), read->cut ? " (its end is lost)" : "",
                          read->content_algorithm.empty() ? "how its content is encrypted is lost" : read->content_algorithm);
      for (const witness::Recipient& r : read->recipients)
        about += fmt::format("; for the certificate {}", r.serial.empty() ? "with key id " + r.key_id : "with serial number " + r.serial);
    }
    if (!made.certificate_thumbprint.empty()) about += "; thumbprint " + made.certificate_thumbprint;
    out.text = "Sealed settings of an extension lie where no file is known, and are those of no request that is known: " + about;
  }

  void take_status(std::size_t n, const Heard& heard) {
    const Statement& s = heard.statement;
    std::vector<RunRecord*> same;
    for (RunRecord& run : runs_) {
      if (!of_volume(run, heard) || (s.exit_code && run.exit_code && *s.exit_code != *run.exit_code)) continue;
      const bool ended_then = s.time != no_time && run.finished == s.time && same_ascii(s.status, run.status);
      const bool same_output = !s.output.empty() && s.output == run.output && same_ascii(s.status, run.status);
      if (ended_then || same_output || named(s, run)) same.push_back(&run);
    }
    if (same.size() != 1) return;  // of none, or it cannot be told of which
    RunRecord& run = *same.front();
    cite(n, run.sightings);
    if (run.status.empty()) run.status = s.status;
    if (!run.exit_code) run.exit_code = s.exit_code;
    if (run.output.empty()) run.output = s.output;
    if (run.error_output.empty()) run.error_output = s.error_output;
    if (!run.finished && s.time != no_time && !same_ascii(s.status, "transitioning"))
      run.finished = s.time, run.finished_basis = "status_timestamp";
  }

  // A status says the number itself where the command was sealed (domain.md, section 1), and it is this request's while nothing else is
  // known of its outcome.
  static bool named(const Statement& s, const RunRecord& run) {
    constexpr std::string_view prefix = "SecureCommand_";
    if (run.sequence.empty() || !run.status.empty() || (run.started && s.time != no_time && s.time < *run.started)) return false;
    return std::ranges::any_of(s.fields, [&](const auto& field) {
      return field.first == "name" && field.second.starts_with(prefix) &&
             std::string_view(field.second).substr(prefix.size()) == run.sequence;
    });
  }

  const Profile& profile_;
  const Hearing& hearing_;
  const witness::Certificate* key_;
  std::vector<RunRecord>& runs_;
  std::vector<LooseEnvelope>& loose_;
  std::map<std::string, std::size_t> loose_of_;  // by the envelope
  std::size_t orphan_runs_ = 0;
};

}  // namespace

void hear_orphans(const Profile& profile, const Hearing& hearing, const witness::Certificate* key, std::vector<RunRecord>& runs,
                  std::vector<LooseEnvelope>& loose) {
  Orphans(profile, hearing, key, runs, loose).run();
}

bool is_orphan(const RunRecord& run, const Examination& examination) {
  if (!run.sequence.empty() || !run.version.empty() || run.started || !run.scripts.empty() || !run.made.empty()) return false;
  return std::ranges::any_of(run.sightings, [&](std::uint32_t n) {
    const Statement* s = examination.sightings[n].statement.get();
    return s != nullptr && s->carved && s->event == "settings" && s->handler.empty();
  });
}

}  // namespace trimcarve::findings
