// The witnesses that a zone asks to cosign its log, over C2SP's tlog-witness. Beside the commits, never in their way: a witness that
// is slow or away costs a line in the log.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/net.h"
#include "http/client.h"
#include "metering/log/service.h"
#include "metering/note.h"

namespace meridian::metering {

struct WitnessAt {
    VerifierKey key;
    http::Url url;
    // "KEY@URL": its verifier key and the place where it is asked. The diagnostic is a sentence.
    static expected<WitnessAt> parse(std::string_view text);
    static expected<std::vector<WitnessAt>> parse_all(const std::vector<std::string>& texts);
};

// Puts a checkpoint beside the ledger where it is larger than the one there, so that the next start knows of it. "" is none.
expected<void> keep_newest_witnessed(Disk& disk, const std::string& ledger, const std::string& note);

class Witnesses {
public:
    // Belongs to the executor's loop. `every`: a changed log is shown to them at most so often.
    Witnesses(Network& network, Clock& clock, Executor executor, std::vector<WitnessAt> all, Duration every);
    ~Witnesses();

    // The largest checkpoint of the log that a witness has signed; "" where none has, or none answers. Each is asked once. What a
    // witness says that is not signed by `log` is passed over, with a line in the log.
    Task<std::string> newest(VerifierKey log);
    // One task for each witness, until cancelled: shows it every change, and gives the log what it signed.
    void begin(TaskGroup& tasks, PublicLog& log, Pool& pool);

private:
    struct Asked;
    struct Shown {  // to all of them, so that one note gets the lines of all
        std::string note, lines;
        Steady since{};
    };
    Task<> run(std::shared_ptr<Asked> witness, PublicLog& log, Pool& pool);
    void refresh(PublicLog& log);
    Task<> ask(std::shared_ptr<Asked> witness, PublicLog& log, Pool& pool);
    Task<bool> ask_once(std::shared_ptr<Asked> witness, PublicLog& log, Pool& pool, std::string note);
    Task<> keep(PublicLog& log, Pool& pool);

    Clock& clock_;
    std::vector<std::shared_ptr<Asked>> all_;  // shared with their tasks
    Duration every_;
    std::unique_ptr<http::Client> client_;
    Shown shown_;
    bool is_keeping_ = false, has_more_ = false;
};

}  // namespace meridian::metering
