//! What fails, how often it is tried, and what the caller gets.

use std::time::{Duration, Instant};

use vyapar_core::geo::geocoder::{GeocodeError, Geocoder};
use vyapar_google::{ConfigError, GoogleConfig, GoogleGeocoder};

use crate::server::{HOUSE, Reply, Server, address, ok, pin, status};

const QUOTA: GeocodeError = GeocodeError::QuotaExceeded { retry_after: None };

/// The error after these replies, and how many requests there were.
async fn failing(replies: Vec<Reply>) -> (GeocodeError, usize) {
    let server = Server::start(replies).await;
    let error = server.geocoder().locate(&address()).await.unwrap_err();
    (error, server.requests().len())
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let passing = [
        status("OVER_QUERY_LIMIT"),
        status("UNKNOWN_ERROR"),
        Reply::Status("429 Too Many Requests", ""),
        Reply::Status("429 Too Many Requests\r\nretry-after: 0", ""),
        Reply::Status("500 Internal Server Error", "<html>"),
        Reply::Status("503 Service Unavailable", ""),
        Reply::Drop,
        Reply::Half,
    ];
    for reply in passing {
        let server = Server::start(vec![reply.clone(), reply, ok(&[HOUSE])]).await;
        assert!(server.geocoder().locate(&address()).await.unwrap().is_some());
        assert_eq!(server.requests().len(), 3);
    }
}

#[tokio::test]
async fn and_given_up_after_a_few_times() {
    assert_eq!(failing(vec![status("OVER_QUERY_LIMIT")]).await, (QUOTA, 3));
    assert_eq!(failing(vec![status("UNKNOWN_ERROR")]).await, (GeocodeError::Unavailable, 3));
    assert_eq!(failing(vec![Reply::Status("502 Bad Gateway", "")]).await, (GeocodeError::Unavailable, 3));
    assert_eq!(failing(vec![Reply::Drop]).await, (GeocodeError::Unavailable, 3));
    assert_eq!(failing(vec![Reply::Half]).await, (GeocodeError::Unavailable, 3));
    let server = Server::start(vec![status("UNKNOWN_ERROR")]).await;
    let once = GoogleGeocoder::new(server.config().retries(0)).unwrap();
    assert_eq!(once.locate(&address()).await, Err(GeocodeError::Unavailable));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_lasts_is_not_tried_again() {
    assert_eq!(failing(vec![status("REQUEST_DENIED")]).await, (GeocodeError::Denied, 1));
    assert_eq!(failing(vec![status("INVALID_REQUEST")]).await, (GeocodeError::InvalidQuery, 1));
    assert_eq!(failing(vec![status("OVER_DAILY_LIMIT")]).await, (QUOTA, 1));
    assert_eq!(failing(vec![Reply::Status("403 Forbidden", "")]).await, (GeocodeError::Denied, 1));
    assert_eq!(failing(vec![Reply::Status("400 Bad Request", "")]).await, (GeocodeError::InvalidQuery, 1));
    let (error, requests) = failing(vec![Reply::Status("302 Found\r\nlocation: http://127.0.0.1:1/", "")]).await;
    assert!(matches!(error, GeocodeError::Malformed(_)), "{error:?}");
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_quota_says_when_to_come_back() {
    let (error, requests) = failing(vec![Reply::Status("429 Too Many Requests\r\nretry-after: 120", "")]).await;
    assert_eq!(error, GeocodeError::QuotaExceeded { retry_after: Some(Duration::from_secs(120)) });
    assert_eq!(requests, 1, "nobody waits two minutes in here");
    let dated = Reply::Status("429 Too Many Requests\r\nretry-after: Wed, 21 Oct 2026 07:28:00 GMT", "");
    assert_eq!(failing(vec![dated]).await, (QUOTA, 3));
}

#[tokio::test]
async fn a_slow_answer_ends_in_time() {
    let server = Server::start(vec![Reply::Slow(Duration::from_secs(60))]).await;
    let config = server.config().attempt_timeout(Duration::from_millis(100)).retries(1);
    let began = Instant::now();
    let answer = GoogleGeocoder::new(config).unwrap().locate(&pin("395003")).await;
    assert_eq!(answer, Err(GeocodeError::TimedOut));
    assert_eq!(server.requests().len(), 2);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());

    let server = Server::start(vec![Reply::Slow(Duration::from_secs(60)), ok(&[HOUSE])]).await;
    let config = server.config().attempt_timeout(Duration::from_secs(1));
    assert!(GoogleGeocoder::new(config).unwrap().locate(&address()).await.unwrap().is_some());
}

#[tokio::test]
async fn no_more_than_the_limit_is_read() {
    for reply in [Reply::Long(17 << 10), Reply::Long(64 << 20), Reply::Endless] {
        let (error, requests) = failing(vec![reply]).await;
        assert_eq!((error, requests), (GeocodeError::Malformed("longer than the limit"), 1));
    }
    // Blanks within the limit are read, and are no JSON.
    let (error, _) = failing(vec![Reply::Long(16 << 10)]).await;
    assert_ne!(error, GeocodeError::Malformed("longer than the limit"));
}

#[tokio::test]
async fn nobody_there() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let config = GoogleConfig::new("key").unwrap().base_url(&url).unwrap().retries(0);
    let answer = GoogleGeocoder::new(config).unwrap().locate(&address()).await;
    assert_eq!(answer, Err(GeocodeError::Unavailable));
}

#[tokio::test]
async fn settings_are_checked_and_shared() {
    let config = || GoogleConfig::new("key").unwrap();
    let error = GoogleGeocoder::new(config().attempt_timeout(Duration::ZERO)).err();
    assert_eq!(error, Some(ConfigError::TimeLimit));
    assert!(GoogleGeocoder::new(config().proxy("http://127.0.0.1:3128").unwrap()).is_ok());

    // One client serves many at once.
    let server = Server::start(vec![ok(&[HOUSE])]).await;
    let geocoder = server.geocoder();
    let calls = (0..20).map(|_| {
        tokio::spawn({
            let geocoder = geocoder.clone();
            async move { geocoder.locate(&address()).await }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(call.await.unwrap().unwrap().is_some());
    }
    assert_eq!(server.requests().len(), 20);
}

#[tokio::test]
async fn https_never_becomes_http() {
    // The server speaks no TLS.
    let server = Server::start(vec![ok(&[HOUSE])]).await;
    let config = server.config().base_url(&server.url.replace("http:", "https:")).unwrap().retries(0);
    let answer = GoogleGeocoder::new(config.attempt_timeout(Duration::from_secs(2))).unwrap().locate(&address()).await;
    assert!(matches!(answer, Err(GeocodeError::Unavailable | GeocodeError::TimedOut)), "{answer:?}");
    assert!(server.requests().iter().all(|line| !line.starts_with("GET")), "no request in clear");
}
