-- Notes on the lines of orders are free text, and arrive sealed like the rest of it.

-- What was stored in the clear stays as its bytes; the re-encryption sweep names each such text,
-- because it is no sealed one.
alter table vyapar.order_items alter column notes type bytea using convert_to(notes, 'UTF8');
alter type vyapar.order_item_row alter attribute notes set data type bytea;

-- Puts another sealed text in the place of one; says whether that one stood there.
create function vyapar.replace_line_text(
    p_store uuid, p_order varchar, p_item uuid, p_from bytea, p_to bytea, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_all_stores(p_lock_timeout);
    update vyapar.order_items i set notes = p_to
     where i.store_id = p_store and i.order_id = p_order and i.id = p_item and i.notes = p_from;
    return found;
end
$$;
