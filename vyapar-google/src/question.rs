//! A query as a URL of the service.

use reqwest::Url;
use vyapar_core::geo::geocoder::GeocodeQuery;
use vyapar_core::india::StateCode;

use crate::config::GoogleConfig;

/// Longest URL that is sent; the service itself takes 16,384 characters.
const LONGEST_URL: usize = 8_192;

/// Parts of an address with commas between them, without those that are not known.
fn joined(parts: [Option<&str>; 4]) -> String {
    parts.into_iter().flatten().map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The URL that asks for `query`, or nothing if it is too long. It holds the key: it goes to the
/// client and nowhere else.
pub(crate) fn url(config: &GoogleConfig, query: &GeocodeQuery) -> Option<Url> {
    let state = |state: &Option<StateCode>| state.as_ref().map(StateCode::name);
    // A PIN code in an address is not made a filter: the service enforces it, and people
    // mistype it more often than their street.
    let (address, components) = match query {
        GeocodeQuery::Address(of) => {
            let parts = [Some(of.street.as_str()), Some(of.city.as_str()), state(&of.state), Some(of.pincode.as_str())];
            (Some(joined(parts)), "country:IN".to_owned())
        }
        GeocodeQuery::Pin(pincode) => (None, format!("postal_code:{pincode}|country:IN")),
        GeocodeQuery::Place(of) => {
            let parts = [Some(of.text.as_str()), of.city.as_deref(), state(&of.state), None];
            (Some(joined(parts)), "country:IN".to_owned())
        }
    };
    let mut url = config.base_url.clone();
    let mut pairs = url.query_pairs_mut();
    if let Some(address) = &address {
        pairs.append_pair("address", address);
    }
    pairs.append_pair("components", &components);
    // Names in one language, so that a component can be compared.
    pairs.append_pair("language", "en").append_pair("region", "in").append_pair("key", &config.key);
    drop(pairs);
    (url.as_str().len() <= LONGEST_URL).then_some(url)
}

#[cfg(test)]
mod tests {
    use vyapar_core::contact::PersonalText;
    use vyapar_core::geo::geocoder::{AddressQuery, PlaceQuery};

    use super::*;

    fn pairs(query: &GeocodeQuery) -> Vec<(String, String)> {
        let url = url(&GoogleConfig::new("KEY").unwrap(), query).unwrap();
        assert!(url.as_str().starts_with("https://maps.googleapis.com/maps/api/geocode/json?"), "{url}");
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn text(text: &str) -> PersonalText {
        PersonalText::parse("text", text, 20_000).unwrap()
    }

    #[test]
    fn every_query_is_asked_within_india() {
        let address = GeocodeQuery::Address(AddressQuery {
            street: text("12 Gandhi Marg & Co, #4"),
            city: " Surat ".to_owned(),
            state: "24".parse().ok(),
            pincode: "395003".parse().unwrap(),
        });
        let rest = [pair("language", "en"), pair("region", "in"), pair("key", "KEY")];
        let asked = pairs(&address);
        assert_eq!(asked[0], pair("address", "12 Gandhi Marg & Co, #4, Surat, Gujarat, 395003"));
        assert_eq!(asked[1], pair("components", "country:IN"));
        assert_eq!(asked[2..], rest);

        let asked = pairs(&GeocodeQuery::Pin("395003".parse().unwrap()));
        assert_eq!(asked[0], pair("components", "postal_code:395003|country:IN"));
        assert_eq!(asked[1..], rest);

        let place = PlaceQuery {
            text: text("गांधी मैदान&key=x"), city: Some("Patna".to_owned()), state: None
        };
        let asked = pairs(&GeocodeQuery::Place(place));
        assert_eq!(asked[0], pair("address", "गांधी मैदान&key=x, Patna"), "a text cannot add parameters");
        assert_eq!(asked.len(), 5);
    }

    #[test]
    fn a_text_that_is_no_address_is_not_sent() {
        let place = PlaceQuery { text: text(&"x".repeat(9_000)), city: None, state: None };
        assert_eq!(url(&GoogleConfig::new("KEY").unwrap(), &GeocodeQuery::Place(place)), None);
    }
}
