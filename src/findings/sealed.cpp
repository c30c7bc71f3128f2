#include "findings/sealed.hpp"

#include "findings/settings.hpp"

namespace trimcarve::findings {

void open_sealed(std::span<RunRecord> runs, const witness::Certificate* key) {
  for (RunRecord& run : runs) {
    if (!run.sealed) continue;
    SealedSettings& sealed = *run.sealed;
    const auto envelope = witness::read_envelope(sealed.envelope);
    if (!envelope) {
      sealed.why_not = "not a CMS envelope: " + envelope.error().what;
      continue;
    }
    for (const witness::Recipient& r : envelope->recipients) sealed.recipients.push_back({r.issuer, r.serial, r.key_id, r.key_algorithm});
    sealed.content_algorithm = envelope->content_algorithm;
    sealed.cut = envelope->cut;
    if (key == nullptr) {
      sealed.why_not = "no key was given";
      continue;
    }
    const auto text = witness::decrypt(*envelope, *key);
    if (!text) {
      sealed.why_not = text.error().what;
      continue;
    }
    sealed.opened = true;
    sealed.text = *text;
    if (const auto settings = read_settings(*text)) {
      sealed.command = settings->command;
      sealed.file_uris = settings->file_uris;
      if (run.command.empty()) run.command = settings->command;
      if (run.file_uris.empty()) run.file_uris = settings->file_uris;
    }
  }
}

}  // namespace trimcarve::findings
