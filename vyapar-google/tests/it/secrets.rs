//! Neither the key nor an address is in anything that a log may get.

use std::fmt::{self, Write as _};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span;
use vyapar_core::geo::geocoder::Geocoder;
use vyapar_google::{ConfigError, GoogleConfig, GoogleGeocoder};

use crate::server::{Found, HOUSE, KEY, Reply, STREET, Server, address, ok, pin, place, status};

/// All that was traced or logged in this process, at any level.
static TRACED: Mutex<String> = Mutex::new(String::new());

fn keep(text: &str) {
    let mut traced = TRACED.lock().unwrap();
    traced.push_str(text);
    traced.push('\n');
}

struct Everything;

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut fields = Fields(span.metadata().name().to_owned());
        span.record(&mut fields);
        keep(&fields.0);
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        keep(&fields.0);
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(event.metadata().target().to_owned());
        event.record(&mut fields);
        keep(&fields.0);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

impl log::Log for Everything {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        keep(&format!("{}: {}", record.target(), record.args()));
    }
    fn flush(&self) {}
}

fn listen() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        tracing::subscriber::set_global_default(Everything).unwrap();
        log::set_logger(&Everything).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
}

/// Parts of the key and of the address, plain and as a URL has them.
fn assert_clean(text: &str) {
    let street = STREET.replace(' ', "+");
    for secret in [KEY, &KEY[..12], &KEY[KEY.len() - 8..], STREET, &street, "Jawaharlal", "key="] {
        assert!(!text.contains(secret), "`{secret}` in {text}");
    }
}

#[tokio::test]
async fn no_error_debug_text_or_trace_has_the_key_or_the_address() {
    listen();
    let replies = vec![
        ok(&[HOUSE]),
        ok(&[Found { partial: true, ..HOUSE }]),
        status("ZERO_RESULTS"),
        status("OVER_QUERY_LIMIT"),
        status("OVER_DAILY_LIMIT"),
        status("REQUEST_DENIED"),
        status("INVALID_REQUEST"),
        status("UNKNOWN_ERROR"),
        status(KEY),
        Reply::Json(format!(r#"{{"status": "{KEY}", "results": "{STREET}"}}"#)),
        Reply::Json(format!("{KEY} {STREET}")),
        Reply::Status("500 Internal Server Error", KEY),
        Reply::Status("429 Too Many Requests\r\nretry-after: 9", KEY),
        Reply::Status("302 Found\r\nlocation: http://127.0.0.1:1/?key=AIzaSyTHISISTHEKEY_0123456789", ""),
        Reply::Status("nonsense", KEY),
        Reply::Slow(Duration::from_secs(60)),
        Reply::Drop,
        Reply::Half,
        Reply::Long(1 << 20),
        Reply::Endless,
    ];
    let mut failures = 0;
    for reply in replies {
        let server = Server::start(vec![reply]).await;
        let config = server.config().attempt_timeout(Duration::from_millis(300)).retries(1);
        assert_clean(&format!("{config:?}"));
        let geocoder = GoogleGeocoder::new(config).unwrap();
        assert_clean(&format!("{geocoder:?} {geocoder:#?}"));
        for query in [address(), pin("395003"), place()] {
            assert_clean(&format!("{query:?}"));
            if let Err(error) = geocoder.locate(&query).await {
                failures += 1;
                assert_clean(&format!("{error} {error:?} {error:#?}"));
                assert!(std::error::Error::source(&error).is_none());
            }
        }
        assert!(server.requests().iter().all(|line| line.contains(KEY)), "the service itself gets the key");
    }
    assert!(failures >= 45, "{failures}");

    // Nobody there, over http and https, with a proxy that does not answer.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let config = || GoogleConfig::new(KEY).unwrap().retries(0);
    for config in [
        config().base_url(&format!("http://{closed}/")).unwrap(),
        config().base_url(&format!("https://{closed}/")).unwrap(),
        config().base_url("https://maps.invalid/").unwrap().proxy(&format!("http://me:{KEY}@{closed}")).unwrap(),
    ] {
        assert_clean(&format!("{config:?}"));
        let error = GoogleGeocoder::new(config).unwrap().locate(&address()).await.unwrap_err();
        assert_clean(&format!("{error} {error:?}"));
    }

    let refused = [
        GoogleConfig::new(format!("{KEY} ")).unwrap_err(),
        config().base_url(&format!("http://example.in/?key={KEY}")).unwrap_err(),
        config().proxy(&format!("socks5://{KEY}@example.in")).unwrap_err(),
        ConfigError::Client("HTTP"),
    ];
    for error in refused {
        assert_clean(&format!("{error} {error:?}"));
    }

    let traced = TRACED.lock().unwrap().clone();
    assert!(traced.contains("geocoding failed") && traced.contains("reqwest"), "nothing was listened to: {traced}");
    assert_clean(&traced);
}
