// A PostgreSQL of a test program's own: made at first use in a temporary directory, reached through a Unix socket, gone at the end.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace meridian::store {

class PrivatePostgres {
public:
    static PrivatePostgres& here();
    ~PrivatePostgres();

    // The URL of a new database that holds nothing.
    std::string new_database(const std::string& more = {});
    // Statements by a superuser in one database.
    void script(const std::string& url, const std::string& sql);
    // Columns as text.
    std::vector<std::string> column(const std::string& url, const std::string& sql);

    void start();  // returns when it answers
    void stop();   // open transactions are rolled back, connections are closed
    void kill();   // as after a power cut

private:
    PrivatePostgres();
    void end(int signal);

    std::string directory_;
    pid_t server_ = -1;
    int databases_ = 0;
};

}  // namespace meridian::store
