# Sourced, not run. A private, throw-away PostgreSQL server for the length of one script.
#
#   pg_find                    finds (or, on Debian, installs) server programs; sets pg_bin
#   pg_start [name=value ...]  starts a new cluster, with extra server settings; sets pg_url.
#                              Texts are in the order of pg_language, or of their bytes
#   pg_stop                    stops it and deletes everything; safe to call at any time
#
# The cluster lives in one directory under $TMPDIR, listens on a unix socket in that directory only
# (no TCP port), and keeps PostgreSQL's durability: fsync and synchronous_commit stay on.
# Works with bash 3.2. VYAPAR_POSTGRES_BIN names the directory of the server programs to use; without
# it they are the newest that are found.

pg_min_version=15
pg_bin= # the directory of initdb, pg_ctl and postgres
pg_url= # for sqlx and libpq alike
pg_dir= # everything of the running cluster
pg_user= # who runs the server; empty: we do

pg_say() { printf '%s\n' "postgres: $*" >&2; }

# --- finding the programs ----------------------------------------------------------------------

# Every directory that may hold server programs, one a line.
pg_candidates() {
    local dir
    if command -v pg_config >/dev/null 2>&1; then
        pg_config --bindir 2>/dev/null || true
    fi
    for dir in \
        /usr/lib/postgresql/*/bin \
        /usr/lib/postgresql*/bin \
        /usr/libexec/postgresql* \
        /usr/pgsql-*/bin \
        /usr/local/pgsql/bin \
        /opt/homebrew/opt/postgresql*/bin \
        /usr/local/opt/postgresql*/bin \
        /home/linuxbrew/.linuxbrew/opt/postgresql*/bin \
        /Applications/Postgres.app/Contents/Versions/*/bin; do
        [[ -d $dir ]] && printf '%s\n' "$dir"
    done
    if dir=$(command -v pg_ctl 2>/dev/null); then
        dirname "$dir"
    fi
}

# Prints the major version of the server in a directory, or fails.
pg_major() {
    local dir=$1 text program
    for program in initdb pg_ctl postgres; do
        [[ -x $dir/$program ]] || return 1
    done
    text=$("$dir/postgres" --version 2>/dev/null) || return 1
    [[ $text =~ \)\ ([0-9]+) ]] || return 1
    printf '%s\n' "${BASH_REMATCH[1]}"
}

# Sets pg_bin to the newest server that is new enough, or fails.
pg_look() {
    local dir version best=0
    if [[ -n ${VYAPAR_POSTGRES_BIN:-} ]]; then
        pg_bin=$VYAPAR_POSTGRES_BIN
        pg_major "$pg_bin" >/dev/null
        return
    fi
    pg_bin=
    while IFS= read -r dir; do
        version=$(pg_major "$dir") || continue
        if ((version >= pg_min_version && version > best)); then
            best=$version
            pg_bin=$dir
        fi
    done < <(pg_candidates)
    [[ -n $pg_bin ]]
}

# Runs a command as root: as we are, or by a sudo that asks nothing.
pg_as_root() {
    if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}

pg_may_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    ((EUID == 0)) || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; }
}

# Installs Debian's package without the cluster it would otherwise create and start.
pg_install() (
    drop_in=/etc/postgresql-common/createcluster.d/zz-no-main-cluster.conf
    pg_say "no server programs of version $pg_min_version or later: installing Debian's package postgresql"
    trap 'pg_as_root rm -f "$drop_in"' EXIT
    pg_as_root mkdir -p "${drop_in%/*}" || exit 1
    printf 'create_main_cluster = false\n' | pg_as_root tee "$drop_in" >/dev/null || exit 1
    pg_apt install -y --no-install-recommends postgresql && exit 0
    pg_say "that failed: refreshing the package lists, then once more"
    pg_apt update && pg_apt install -y --no-install-recommends postgresql
)

# apt-get is quiet while all goes well; what it said is shown when it fails.
pg_apt() {
    local log
    log=$(pg_as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" </dev/null 2>&1) && return 0
    printf '%s\n' "$log" | tail -n 15 >&2
    return 1
}

pg_find() {
    pg_look && return 0
    if [[ -n ${VYAPAR_POSTGRES_BIN:-} ]]; then
        pg_say "VYAPAR_POSTGRES_BIN=$VYAPAR_POSTGRES_BIN has no server programs" && return 1
    fi
    if pg_may_install && pg_install; then
        pg_look && return 0
    fi
    cat >&2 <<END

PostgreSQL $pg_min_version or later is needed (the programs initdb, pg_ctl and postgres), and was not found.

  Debian, Ubuntu   apt-get install postgresql
  Fedora, RHEL     dnf install postgresql-server
  Arch             pacman -S postgresql
  Alpine           apk add postgresql
  macOS            brew install postgresql
  elsewhere        https://www.postgresql.org/download/

Or name a server to use, with a role that may create databases:

  VYAPAR_TEST_POSTGRES_URL=postgres://user:password@host:5432/postgres
END
    return 1
}

# --- running a cluster -------------------------------------------------------------------------

# Runs a server program as the cluster's owner, from a directory that owner can enter.
pg_as_owner() {
    (
        cd "$pg_dir" || exit 1
        if [[ -z $pg_user ]]; then
            exec "$@"
        elif command -v runuser >/dev/null 2>&1; then
            exec runuser -u "$pg_user" -- "$@"
        elif command -v setpriv >/dev/null 2>&1; then
            exec setpriv --reuid="$pg_user" --regid="$(id -g "$pg_user")" --clear-groups -- "$@"
        else
            exec su -s /bin/sh -c "$(printf '%q ' "$@")" "$pg_user"
        fi
    )
}

# Makes pg_dir: short enough for a socket (a path of at most 107 bytes, 103 on macOS), of characters
# that stand for themselves in a URL and a settings file, writable for the owner, and closed to
# everyone else: whoever reaches the socket is the cluster's superuser.
pg_make_dir() {
    local base
    for base in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
        pg_dir=$(mktemp -d "${base%/}/vyapar-pg.XXXXXX" 2>/dev/null) || { pg_dir= && continue; }
        if [[ $pg_dir =~ ^/[A-Za-z0-9/._-]{1,85}$ ]] && chmod 700 "$pg_dir" &&
            { [[ -z $pg_user ]] || chown "$pg_user" "$pg_dir"; } &&
            pg_as_owner test -w "$pg_dir" 2>/dev/null; then
            return 0
        fi
        rm -rf "$pg_dir"
        pg_dir=
    done
    pg_say "no usable directory for temporary files: set TMPDIR to a short path that user ${pg_user:-$(id -un)} can enter"
    return 1
}

# Makes the cluster's files; leaves none if it fails.
pg_init() {
    LC_ALL=C pg_as_owner "$pg_bin/initdb" --pgdata="$pg_dir/data" --username=postgres --encoding=UTF8 \
        --auth-local=trust --auth-host=reject --no-sync "$@" >"$pg_dir/initdb.log" 2>&1
}

pg_start() {
    local name setting port=5432 began=$SECONDS
    # The caller's own PostgreSQL settings must not leak into this cluster or its clients.
    for name in $(compgen -e | grep '^PG[A-Z]' || true); do unset "$name"; done

    pg_user=
    if ((EUID == 0)); then # PostgreSQL refuses to run as root
        for name in postgres nobody; do
            if id -u "$name" >/dev/null 2>&1; then
                pg_user=$name
                break
            fi
        done
        [[ -n $pg_user ]] || { pg_say "root cannot run PostgreSQL, and there is no user postgres or nobody" && return 1; }
    fi
    pg_make_dir || return 1

    if [[ -n ${pg_language:-} ]]; then
        pg_init --locale=C --locale-provider=icu --icu-locale="$pg_language" || {
            pg_say "these programs do not know the order of texts in $pg_language, only that of bytes"
            pg_language=
        }
    fi
    if [[ -z ${pg_language:-} ]] && ! pg_init --no-locale; then
        pg_say "initdb failed:"
        tail -n 15 "$pg_dir/initdb.log" >&2
        return 1
    fi
    for setting in "listen_addresses=''" "unix_socket_directories='$pg_dir'" "port=$port" \
        max_connections=300 timezone=UTC log_timezone=UTC "$@"; do
        printf '%s\n' "$setting"
    done >>"$pg_dir/data/postgresql.conf"
    if ! LC_ALL=C pg_as_owner "$pg_bin/pg_ctl" start --pgdata="$pg_dir/data" --log="$pg_dir/data/server.log" \
        --wait --timeout=60 --silent </dev/null >/dev/null 2>&1; then
        pg_say "the server did not start:"
        tail -n 15 "$pg_dir/data/server.log" >&2 || true
        return 1
    fi
    pg_url="postgres:///postgres?host=$pg_dir&port=$port&user=postgres"
    pg_say "$("$pg_bin/postgres" --version | sed 's/^postgres (PostgreSQL)/version/') in $pg_dir, $((SECONDS - began)) s"
}

pg_stop() {
    local pid
    [[ -n $pg_dir ]] || return 0
    # The data is thrown away: no reason to wait for clients or a last checkpoint.
    if [[ -f $pg_dir/data/postmaster.pid ]]; then
        pid=$(head -n 1 "$pg_dir/data/postmaster.pid" 2>/dev/null || true)
        pg_as_owner "$pg_bin/pg_ctl" stop --pgdata="$pg_dir/data" --mode=immediate --wait --timeout=20 --silent \
            </dev/null >/dev/null 2>&1 || { [[ $pid =~ ^[0-9]+$ ]] && kill -KILL "$pid" 2>/dev/null; } || true
    fi
    # A server that was only just starting may still write.
    rm -rf "$pg_dir" 2>/dev/null || { sleep 1 && rm -rf "$pg_dir"; } || pg_say "could not delete $pg_dir"
    pg_dir='' pg_url=''
}
