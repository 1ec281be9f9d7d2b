//! What is read out of answers.

use vyapar_core::geo::geocoder::{GeocodeError, GeocodeHit, GeocodePrecision, GeocodeQuery, Geocoder};

use crate::server::{Found, HOUSE, KEY, Reply, Server, address, ok, pin, place, status};

async fn answer(reply: Reply, query: &GeocodeQuery) -> Result<Option<GeocodeHit>, GeocodeError> {
    Server::start(vec![reply]).await.geocoder().locate(query).await
}

#[tokio::test]
async fn a_building_is_found_by_its_address() {
    let server = Server::start(vec![ok(&[HOUSE])]).await;
    let hit = server.geocoder().locate(&address()).await.unwrap().unwrap();
    assert_eq!((hit.coordinates.latitude(), hit.coordinates.longitude()), HOUSE.at);
    assert_eq!((hit.precision, hit.partial), (GeocodePrecision::Rooftop, false));
    let expected = format!(
        "GET /maps/api/geocode/json?address=4+Jawaharlal+Darwaza%2C+Surat%2C+Gujarat%2C+395003\
         &components=country%3AIN&language=en&region=in&key={KEY} HTTP/1.1"
    );
    assert_eq!(server.requests(), [expected]);
}

#[tokio::test]
async fn precision_and_partial_matches_are_told() {
    for (location_type, precision) in [
        ("ROOFTOP", GeocodePrecision::Rooftop),
        ("RANGE_INTERPOLATED", GeocodePrecision::Interpolated),
        ("GEOMETRIC_CENTER", GeocodePrecision::Centre),
        ("APPROXIMATE", GeocodePrecision::Area),
        ("SOMETHING_NEW", GeocodePrecision::Area),
    ] {
        for partial in [false, true] {
            let hit = answer(ok(&[Found { location_type, partial, ..HOUSE }]), &place()).await.unwrap().unwrap();
            assert_eq!((hit.precision, hit.partial), (precision, partial), "{location_type}");
        }
    }
}

#[tokio::test]
async fn nothing_found_is_no_error() {
    assert_eq!(answer(status("ZERO_RESULTS"), &address()).await, Ok(None));
}

#[tokio::test]
async fn the_middle_of_a_state_or_of_the_country_is_no_place() {
    for kind in ["country", "administrative_area_level_1"] {
        let large = Found { kind, location_type: "APPROXIMATE", partial: true, ..HOUSE };
        assert_eq!(answer(ok(&[large]), &address()).await, Ok(None), "{kind}");
    }
    let abroad = Found { country: "NP", ..HOUSE };
    assert_eq!(answer(ok(&[abroad]), &address()).await, Ok(None));
    let sea = Found { at: (0.0, 0.0), ..HOUSE };
    assert_eq!(answer(ok(&[sea]), &address()).await, Ok(None));
}

#[tokio::test]
async fn a_pin_code_is_found_only_as_itself() {
    let other = || Found { pin: "395004", at: (21.25, 72.85), ..HOUSE };
    let spaced = || Found { kind: "postal_code", location_type: "APPROXIMATE", pin: "395 003", ..HOUSE };
    let server = Server::start(vec![ok(&[other(), spaced()])]).await;
    let hit = server.geocoder().locate(&pin("395003")).await.unwrap().unwrap();
    assert_eq!((hit.coordinates.latitude(), hit.precision), (HOUSE.at.0, GeocodePrecision::Area));
    assert!(server.requests()[0].contains("?components=postal_code%3A395003%7Ccountry%3AIN&"));
    assert_eq!(answer(ok(&[other()]), &pin("395003")).await, Ok(None));
}

#[tokio::test]
async fn answers_that_cannot_be_read() {
    let shapes = [
        "",
        "<html>busy</html>",
        "{",
        "[]",
        r#"{"results": []}"#,
        r#"{"status": 1}"#,
        r#"{"status": "OK"}"#,
        r#"{"status": "OK", "results": []}"#,
        r#"{"status": "OK", "results": [{}]}"#,
        r#"{"status": "OK", "results": [{"geometry": {"location": {"lat": "21", "lng": 72}}}]}"#,
        r#"{"status": "OK", "results": [{"geometry": {"location": {"lat": 191.0, "lng": 72.8}}}]}"#,
        r#"{"status": "SOMETHING_NEW"}"#,
        "\u{0}\u{1}",
    ];
    for shape in shapes {
        let server = Server::start(vec![Reply::Json(shape.to_owned())]).await;
        let found = server.geocoder().locate(&address()).await;
        assert!(matches!(found, Err(GeocodeError::Malformed(_))), "{shape}: {found:?}");
        assert_eq!(server.requests().len(), 1, "{shape}: asking again does not help");
    }
}
