//! What the promises about sealed texts have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::support::{at_once, eventually};
use crate::error::Stored;
use crate::page::{AllStores, PageRequest};
use crate::secret::{Sealed, SealedText, SealedTexts};
use crate::testing::Fixtures;

/// A port of sealed texts.
pub(crate) type Port = Arc<dyn SealedTexts>;

/// Which bytes stand for which context.
pub(crate) type Texts = BTreeMap<String, Sealed>;

/// All texts in the list's own order, and how many pages they took.
async fn listed(port: &Port, limit: u32) -> Stored<(Vec<SealedText>, usize)> {
    let (mut texts, mut request) = (Vec::new(), PageRequest::first(limit));
    for pages in 1..1_000 {
        let page = port.list(AllStores, request).await?;
        texts.extend(page.items);
        match page.next {
            Some(next) => request = PageRequest::first(limit).after(next.to_string().parse().unwrap()),
            None => return Ok((texts, pages)),
        }
    }
    panic!("a list of {} texts that does not end", texts.len());
}

/// The text of that context, as the list gives it.
pub(crate) async fn text(port: &Port, context: &str) -> SealedText {
    let (texts, _) = listed(port, 200).await.unwrap();
    texts.into_iter().find(|text| text.context == context).unwrap_or_else(|| panic!("no text for {context}"))
}

/// The list has exactly these texts, each once, however many are asked for at a time.
#[track_caller]
pub(crate) fn holds<'a>(port: &'a Port, expected: &'a Texts) -> impl Future<Output = ()> + 'a {
    let expected: Vec<_> = expected.iter().map(|(context, sealed)| (context.clone(), sealed.clone())).collect();
    let caller = std::panic::Location::caller();
    async move {
        for limit in [1, 3, 200] {
            let read = async || {
                let (texts, pages) = listed(port, limit).await?;
                assert!(limit > 1 || pages > 1 || texts.len() < 8, "{caller}: {} texts on one page", texts.len());
                let mut found: Vec<_> = texts.into_iter().map(|text| (text.context, text.sealed)).collect();
                found.sort_by(|(a, _), (b, _)| a.cmp(b));
                Ok(found)
            };
            eventually(expected.clone(), read).await;
        }
    }
}

pub(crate) async fn replace(port: &Port, text: &SealedText, to: &Sealed) -> bool {
    port.replace(AllStores, text.clone(), to.clone()).await.unwrap()
}

/// Replaces every text there is, each once, and says what stands there now. What does not
/// stand there is not replaced.
pub(crate) async fn replace_all(port: &Port, make: &Fixtures) -> Texts {
    let mut now = Texts::new();
    let (texts, _) = listed(port, 3).await.unwrap();
    for text in make.shuffled(texts) {
        let to = make.sealed(&text.context);
        let mut bytes = text.sealed.as_bytes().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let shorter = text.sealed.as_bytes().split_last().unwrap().1.to_vec();
        for wrong in [bytes, shorter, to.as_bytes().to_vec()] {
            let wrong = SealedText { sealed: Sealed::from_bytes(wrong), ..text.clone() };
            assert!(!replace(port, &wrong, &to).await, "{}", text.context);
        }
        assert!(replace(port, &text, &to).await, "{}", text.context);
        assert!(!replace(port, &text, &make.sealed("late")).await, "{}", text.context);
        assert_eq!(now.insert(text.context.clone(), to), None, "{} twice", text.context);
    }
    now
}

/// Replaces one text by sixteen others at once: one of them stands there then.
pub(crate) async fn replace_at_once(port: &Port, make: &Fixtures, text: &SealedText) -> Sealed {
    let rivals: Vec<_> = (0..16).map(|at| make.sealed(&format!("rival {at}"))).collect();
    let answers = at_once(rivals.iter().cloned().map(|to| {
        let (port, text) = (Arc::clone(port), text.clone());
        async move { replace(&port, &text, &to).await }
    }))
    .await;
    let won: Vec<_> = rivals.into_iter().zip(&answers).filter(|(_, is_done)| **is_done).map(|(to, _)| to).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    won[0].clone()
}
